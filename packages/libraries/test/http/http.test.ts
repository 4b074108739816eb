/** Libraries over `unshard/http`: the newest versions and the oldest that are still used, over HTTP/2, HTTP/1.1 and a shared connection. */

import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { type OriginHandler, testWorld } from '@unshard/testkit'
import { NODES, runOn } from '../nodes.js'

const world = testWorld()
const large = 'unsharded '.repeat(100_000)

const handler: OriginHandler = (request, response) => {
  const { pathname } = new URL(request.url!, 'https://a.test.example')
  if (pathname === '/slow') return void response.writeHead(200).flushHeaders()
  if (pathname === '/missing') return void response.writeHead(404).end('missing')
  if (pathname === '/redirect') return void response.writeHead(302, { location: '/echo?redirected' }).end()
  if (pathname === '/large') return void response.end(large)
  if (pathname === '/gzip') return void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('packed'))
  if (pathname === '/cut') {
    response.writeHead(200, { 'content-length': 100 }).write('part')
    return void setImmediate(() => (response.stream ?? response.socket)?.destroy())
  }
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => {
    const text = String(Buffer.concat(parts))
    response.end(pathname === '/length' ? String(text.length) : `${request.method} ${request.url} ${text}`)
  })
}

/** Those that need a newer Node.js than this one. */
const needs24 = new Set(['got'])
const byRequest = ['got', 'got-14', 'got-11', 'axios', 'axios-0', 'follow-redirects']
const byAgent = [
  'got',
  'axios',
  'superagent',
  'superagent-8',
  'node-fetch',
  'node-fetch-2',
  'request',
  'needle',
  'follow-redirects',
]
const cases = [
  ...byRequest.map((name) => ['request', name] as const),
  ...byAgent.map((name) => ['agent', name] as const),
].flatMap(([way, name]) =>
  NODES.filter(({ major }) => major < 26 && (major >= 22 || !needs24.has(name))).map((node) => ({
    way,
    name,
    node,
    major: node.major,
  })),
)

interface Checks {
  readonly get: { status: number; text: string }
  readonly post: { text: string }
  readonly put: { text: string }
  readonly missing: number
  readonly redirected: { status: number; text: string }
  readonly largeBytes: boolean
  readonly uploaded: string
  readonly gzip: number
  readonly aborted: { resolved?: number }
  readonly cut: { resolved?: number; code?: string }
}

it.each(cases)(
  '$name works over the $way of a client, on Node.js $major',
  async ({ way, name, node }) => {
    const [h2, h1] = [
      await world.server({ handler, protocols: ['h2'] }),
      await world.server({ handler, protocols: ['http/1.1'] }),
    ]
    const gone = await world.server()
    await gone.close()
    const env = { CA: world.authority.ca, H2: String(h2.port), H1: String(h1.port), NONE: String(gone.port) }
    const program = fileURLToPath(new URL('./programs/main.mjs', import.meta.url))
    const result = (await runOn(node, program, [way, name], env)) as { h2: Checks; h1: Checks; refused: object; hosts: number[] }
    for (const checks of [result.h2, result.h1]) {
      expect(checks).toMatchObject({
        get: { status: 200, text: 'GET /echo?n=1 ' },
        post: { text: 'POST /echo hello' },
        put: { text: 'PUT /echo again' },
        missing: 404,
        redirected: { status: 200, text: 'GET /echo?redirected ' },
        largeBytes: true,
        uploaded: String(large.length),
        gzip: 200,
      })
      expect(checks.aborted.resolved).toBeUndefined()
      expect(checks.cut.resolved).toBeUndefined()
    }
    expect(result.refused).toMatchObject({ code: 'ECONNREFUSED' })
    expect(result.hosts).toEqual(Array(12).fill(200))
    // The twelve hosts, and the requests before them.
    expect(h2.connections).toBe(1)
  },
  100_000,
)
