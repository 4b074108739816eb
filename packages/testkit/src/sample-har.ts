/** A HAR document with as many requests as wanted: several hosts on shared connections, and a few failures. The same for the same number. */

/** A document as a program would parse it. */
export interface SampleHar {
  readonly log: { readonly version: '1.2'; readonly creator: object; readonly pages: never[]; readonly entries: object[] }
}

/** A host, the connection that serves it, and why. */
type Served = readonly [host: string, connection: number, because: string]

const SERVED: readonly Served[] = [
  ['api.shop.example', 1, 'first-connection'],
  ['img.shop.example', 1, 'address-and-certificate'],
  ['cdn.shop.example', 1, 'address-and-certificate'],
  ['search.shop.example', 1, 'address-and-certificate'],
  ['auth.partner.example', 2, 'certificate-does-not-cover-host'],
  ['eu.metrics.example', 3, 'address-differs'],
  ['us.metrics.example', 3, 'address-and-certificate'],
  ['legacy.example', 4, 'not-h2'],
]
const METHODS = ['GET', 'GET', 'GET', 'POST', 'GET', 'PUT', 'GET', 'DELETE'] as const
const PATHS = [
  '/v1/products',
  '/v1/cart',
  '/images/hero.webp',
  '/assets/app.js',
  '/v1/users/42',
  '/search?q=shoes',
  '/health',
] as const
/** Time between two requests, in milliseconds. */
const STEP_MS = 4

/** Returns the document. */
export function sampleHar(requests: number): SampleHar {
  const random = randomOf(42)
  const entries = Array.from({ length: requests }, (_, i) => entryOf(i, random))
  return { log: { version: '1.2', creator: { name: 'sample', version: '1' }, pages: [], entries } }
}

function entryOf(i: number, random: () => number): object {
  const [host, connection, because] = SERVED[Math.floor(random() ** 1.6 * SERVED.length)]!
  const method = METHODS[i % METHODS.length]!
  const path = `${PATHS[Math.floor(random() * PATHS.length)]!}${random() < 0.3 ? `?page=${i}` : ''}`
  const isFirst = i < 12
  const timings = {
    ...{ blocked: random() * 3, dns: isFirst ? 4 + random() * 4 : -1, connect: isFirst ? 30 + random() * 9 : -1 },
    ...{ ssl: isFirst ? 18 + random() * 5 : -1, send: random(), wait: 10 + random() ** 3 * 260, receive: random() ** 2 * 90 },
  }
  const time = Object.entries(timings).reduce((sum, [name, ms]) => sum + (name === 'ssl' ? 0 : Math.max(0, ms)), 0)
  const failed = random() < 0.006
  const status = failed ? 0 : random() < 0.02 ? 503 : random() < 0.03 ? 404 : 200
  const size = failed ? 0 : Math.round(random() ** 4 * 400_000)
  const headers = [
    { name: 'accept', value: '*/*' },
    { name: 'authorization', value: 'redacted' },
  ]
  return {
    ...{ startedDateTime: new Date(Date.UTC(2026, 0, 1) + i * STEP_MS).toISOString(), time, timings, cache: {} },
    request: { method, url: `https://${host}${path}`, headers, bodySize: 0 },
    response: {
      ...{
        status,
        statusText: '',
        httpVersion: 'h2',
        headers: [{ name: 'content-type', value: 'application/json' }],
        bodySize: size,
      },
      content: { size, mimeType: 'application/json' },
    },
    ...{
      serverIPAddress: `192.0.2.${connection}`,
      connection: String(connection),
      _protocol: connection === 4 ? 'http/1.1' : 'h2',
    },
    ...{ _because: because, _coalesced: because === 'address-and-certificate' },
    ...(failed && { _error: 'ERR_STREAM_RESET: the server reset the stream: INTERNAL_ERROR' }),
  }
}

/** A generator of numbers from 0 to 1 (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
