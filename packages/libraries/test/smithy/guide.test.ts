/** The examples of docs/guides/aws-sdk.md, run against a server of this machine. Only the port of an endpoint is changed. */

import { readFileSync } from 'node:fs'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { authorityOf, type OriginHandler, testWorld } from '@unshard/testkit'
import { NODES, runProgram } from '../nodes.js'
import { encodeMessage } from './event-stream.js'
import { createS3 } from './s3-server.js'
import { CREDENTIALS } from './signature.js'

const world = testWorld()
const page = readFileSync(new URL('../../../../docs/guides/aws-sdk.md', import.meta.url), 'utf8')
const examples = [...page.matchAll(/```js\n(.*?)```/gs)].map((match) => match[1]!)

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

/** Leads every name to this machine, and port 443 of the hosts of AWS to the server. */
const PRELOAD = `
  import dns from 'node:dns'
  import net from 'node:net'
  import { syncBuiltinESMExports } from 'node:module'
  const { lookup } = dns
  dns.lookup = (host, options, callback) => callback === undefined ? lookup(host, options) : callback(null, [{ address: '127.0.0.1', family: 4 }])
  const { connect } = net.Socket.prototype
  net.Socket.prototype.connect = function (...args) {
    const [first] = args.flat()
    if (first?.port === 443) first.port = Number(process.env.PORT)
    return connect.apply(this, args)
  }
  syncBuiltinESMExports()`

const cases = NODES.flatMap((node) => examples.map((example, i) => ({ node, major: node.major, example, number: i + 1 })))

it.each(cases)(
  'example $number prints the output that it states on Node.js $major',
  async ({ node, example }) => {
    const tls = await world.tls('*.s3.example.com', '*.eu-west-1.amazonaws.com')
    const { port } = await world.server({ handler, tls })
    const folder = await mkdtemp(join(tmpdir(), 'unshard-guide-'))
    world.defer(() => rm(folder, { recursive: true }))
    await symlink(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(folder, 'node_modules'))
    const source = example.replace('https://s3.example.com', `https://s3.example.com:${port}`)
    const files = { 'example.mjs': source, 'preload.mjs': PRELOAD, 'ca.pem': world.authority.ca }
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
    const env = {
      PORT: String(port),
      NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'),
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    }
    const args = ['--import', join(folder, 'preload.mjs'), join(folder, 'example.mjs')]
    const stated = [...example.matchAll(/\/\/ → (.*)$/gm)].map((match) => match[1]!)
    expect(stated.length).toBeGreaterThan(0)
    expect((await runProgram(node, args, env)).trimEnd().split('\n')).toEqual(stated)
    expect(s3.refused).toEqual([])
  },
  30_000,
)
