/**
 * Gets an item of DynamoDB over a client of unshard, and prints it with the protocol and the number of connections, as
 * JSON. For runtimes beside Node.js. The variables of the environment are CA, PORT and PROTOCOL.
 */

import process from 'node:process'
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { createClient } from 'unshard'
import { requestHandler } from 'unshard/smithy'

const { CA, PORT, PROTOCOL } = process.env
const client = createClient({
  tls: { ca: CA },
  protocols: [PROTOCOL],
  lookup: (_host, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]),
})
const dynamo = new DynamoDBClient({
  region: 'eu-test-1',
  endpoint: `https://dynamodb.test.example:${PORT}`,
  credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' },
  requestHandler: requestHandler(client),
  maxAttempts: 1,
})
const TableName = 'table'
await dynamo.send(new PutItemCommand({ TableName, Item: { id: { S: 'a' }, text: { S: 'contént' } } }))
const { Item } = await dynamo.send(new GetItemCommand({ TableName, Key: { id: { S: 'a' } } }))
const { connections } = client.stats()
console.log(JSON.stringify({ text: Item.text.S, connections: connections.map(({ protocol }) => protocol) }))
await client.close()
