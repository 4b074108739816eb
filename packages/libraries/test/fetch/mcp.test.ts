/** Clients of the Model Context Protocol over our `fetch`, against the server of its SDK. */

import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { FakeClock, testWorld } from '@unshard/testkit'
import { createClient, createFetch } from 'unshard'
import { casesOf, runFamily, TIMEOUT_MS } from './fixture.js'
import { UPLOAD } from './servers/answers.js'
import { mcpServer } from './servers/mcp.js'

const world = testWorld()
const MINUTES_10 = 600_000

const COMMON = {
  greet: 'Hello, Ada',
  tools: ['greet', 'size', 'fail', 'silent', 'think', 'count'],
  upload: String(UPLOAD.length),
  progress: ['counted', 1, 2, 3],
  toolError: 'error: the tool failed',
  abort: { error: expect.stringContaining('This operation was aborted') },
  session: [true, true],
  events: 'Hello, Ada',
  eventsUpload: String(UPLOAD.length),
  refused: { error: 'TypeError ECONNREFUSED: fetch failed' },
  refusedEvents: { error: expect.stringMatching(/^SseError: SSE error: TypeError: fetch failed: .*connect ECONNREFUSED/) },
}
const STATUS_ERROR = 'SdkHttpError 401 CLIENT_HTTP_NOT_IMPLEMENTED: Error POSTing to endpoint'
const OLD_ERROR = 'Error: Error POSTing to endpoint'
const EXPECTED: Readonly<Record<string, object>> = {
  '@modelcontextprotocol/client': {
    ...COMMON,
    unauthorized: { error: `${STATUS_ERROR}: no access` },
    missing: { error: `${STATUS_ERROR.replace('401', '404')}: nothing here` },
  },
  '@modelcontextprotocol/sdk': {
    ...COMMON,
    unauthorized: { error: 'StreamableHTTPError: Streamable HTTP error: Error POSTing to endpoint: no access' },
    missing: { error: 'StreamableHTTPError: Streamable HTTP error: Error POSTing to endpoint: nothing here' },
  },
  '@modelcontextprotocol/sdk-1.17': {
    ...COMMON,
    unauthorized: { error: `${OLD_ERROR} (HTTP 401): no access` },
    missing: { error: `${OLD_ERROR} (HTTP 404): nothing here` },
  },
}

it.each(casesOf(Object.keys(EXPECTED)))(
  '$name works over our fetch, on Node.js $major',
  async (each) => {
    // The message of the cause is longer than that of the built-in.
    expect(await runFamily(world, 'mcp', each, mcpServer().handler, ['refusedEvents'])).toEqual(EXPECTED[each.name])
  },
  TIMEOUT_MS,
)

/** Moves the clock in steps of five seconds; after each the sockets get their turn to carry PINGs and their acknowledgments. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 5_000) {
    clock.advance(5_000)
    for (let turns = 0; turns < 12; turns++) await new Promise(setImmediate)
  }
}

const transports = {
  'Streamable HTTP': (origin: string, fetch: typeof globalThis.fetch) =>
    new StreamableHTTPClientTransport(new URL(`${origin}/mcp`), { fetch }),
  'the older transport': (origin: string, fetch: typeof globalThis.fetch) =>
    new SSEClientTransport(new URL(`${origin}/sse`), { fetch }),
}
const cases = (['h2', 'http/1.1'] as const).flatMap((protocol) =>
  (['Streamable HTTP', 'the older transport'] as const).map((name) => ({ protocol, name })),
)

it.each(cases)(
  'over $protocol and $name, a stream that is idle for ten minutes goes on',
  async ({ protocol, name }) => {
    const server = mcpServer()
    const origin = await world.server({ protocols: [protocol], handler: server.handler as never })
    const clock = new FakeClock()
    const client = createClient({
      tls: { ca: world.authority.ca },
      lookup: (_host, _options, done) => done(null, '127.0.0.1', 4),
      clock,
    })
    world.defer(() => client.destroy())
    const mcp = new Client({ name: 'test', version: '1.0.0' })
    const announced = new Promise((resolve) => {
      mcp.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => resolve(params.data))
    })
    const failures: Error[] = []
    mcp.onerror = (error) => failures.push(error)
    await mcp.connect(transports[name](origin.url('a.test.example'), createFetch(client) as typeof globalThis.fetch) as never)
    const answer = mcp.callTool({ name: 'think', arguments: {} })
    await server.thinking
    const before = client.stats().totals.dials
    let pings = 0
    for (const session of origin.sessions) session.on('ping', () => pings++)
    await pass(clock, MINUTES_10)
    // The connection was asked whether it is alive.
    if (protocol === 'h2') expect(pings).toBeGreaterThan(0)
    await server.announce('still here')
    server.release()
    expect(await answer).toMatchObject({ content: [{ text: '42' }] })
    expect(await announced).toBe('still here')
    expect(client.stats().totals.dials).toBe(before)
    expect(failures).toEqual([])
    await mcp.close()
  },
  TIMEOUT_MS,
)
