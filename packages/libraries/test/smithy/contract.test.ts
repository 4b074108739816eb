/** The handler has the types of the SDK's contract, of the newest version and of one of 2023, and the SDK uses it as it is. */

import * as newestBedrock from '@aws-sdk/client-bedrock-runtime'
import * as oldBedrock from '@aws-sdk/client-bedrock-runtime-2024'
import * as newestDynamo from '@aws-sdk/client-dynamodb'
import * as oldestDynamo from '@aws-sdk/client-dynamodb-2023'
import * as newest from '@aws-sdk/client-s3'
import * as oldest from '@aws-sdk/client-s3-2023'
import { NodeHttp2Handler, NodeHttpHandler } from '@smithy/node-http-handler'
import { type RequestHandler, requestHandler } from 'unshard/smithy'
import { smithyWorld } from './fixture.js'

const { client } = smithyWorld()

/** A handler, and not the options of one. */
type HandlerOf<Config extends { requestHandler?: unknown }> = Extract<Config['requestHandler'], { handle: unknown }>

it('is a handler for both versions', () => {
  const handler: RequestHandler = requestHandler(client())
  const forNewest: HandlerOf<newest.S3ClientConfig> = handler
  const forOldest: HandlerOf<oldest.S3ClientConfig> = handler
  for (const own of [NodeHttpHandler.create(forNewest), NodeHttp2Handler.create(forNewest), NodeHttpHandler.create(forOldest)])
    expect(own).toBe(handler)
})

// The types are the test: there is no cast.
it('is taken by the clients of each service in each version', () => {
  const shared = { region: 'eu-test-1', requestHandler: requestHandler(client()) }
  const clients = [
    new newest.S3Client(shared),
    new oldest.S3Client(shared),
    new newestDynamo.DynamoDBClient(shared),
    new oldestDynamo.DynamoDBClient(shared),
    new newestBedrock.BedrockRuntimeClient(shared),
    new oldBedrock.BedrockRuntimeClient(shared),
  ]
  for (const { config } of clients) expect(config.requestHandler).toBe(shared.requestHandler)
})

it.each([
  ['the newest SDK', newest.S3Client],
  ['the SDK of 2023', oldest.S3Client],
])('%s takes it, reads its options, and destroys it without harm', (_which, S3Client) => {
  const handler = requestHandler(client(), { requestTimeout: 1_000 })
  const sdk = new S3Client({ region: 'eu-test-1', requestHandler: handler })
  expect(sdk.config.requestHandler).toBe(handler)
  expect(handler.httpHandlerConfigs()).toMatchObject({ requestTimeout: 1_000 })
  sdk.destroy()
})
