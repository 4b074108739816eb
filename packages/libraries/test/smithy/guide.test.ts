/** The examples of docs/guides/aws-sdk.md, run against a server of this machine. Only the port of an endpoint is changed. */

import { authorityOf, type OriginHandler, testWorld } from '@unshard/testkit'
import { examplesOf, runExample, statedIn } from '../examples.js'
import { NODES } from '../nodes.js'
import { encodeMessage } from './event-stream.js'
import { createS3 } from './s3-server.js'
import { CREDENTIALS } from './signature.js'

const world = testWorld()
const examples = examplesOf('aws-sdk')

const s3 = createS3('s3.example.com')
const handler: OriginHandler = (request, response) => {
  const host = authorityOf(request).replace(/:\d+$/, '')
  if (host.endsWith('.s3.example.com')) return s3.handler(request, response)
  if (host.startsWith('dynamodb.')) return void response.end('{"Item":{"text":{"S":"Hi"}}}')
  response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' })
  const fields = { ':message-type': 'event', ':event-type': 'contentBlockDelta', ':content-type': 'application/json' }
  for (const text of ['Hello ', 'to you'])
    response.write(encodeMessage(fields, JSON.stringify({ contentBlockIndex: 0, delta: { text } })))
  response.end()
}

const cases = NODES.flatMap((node) => examples.map((example, i) => ({ node, major: node.major, example, number: i + 1 })))

it.each(cases)(
  'example $number prints the output that it states on Node.js $major',
  async ({ node, example }) => {
    const tls = await world.tls('*.s3.example.com', '*.eu-west-1.amazonaws.com')
    const { port } = await world.server({ handler, tls })
    const source = example.replace('https://s3.example.com', `https://s3.example.com:${port}`)
    const env = { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey }
    const stated = statedIn(example)
    expect(stated.length).toBeGreaterThan(0)
    expect(await runExample(node, source, { port, ca: world.authority.ca, env })).toEqual(stated)
    expect(s3.refused).toEqual([])
  },
  30_000,
)
