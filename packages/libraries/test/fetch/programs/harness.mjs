/**
 * Runs the same checks of a library with our `fetch` over HTTP/2, over HTTP/1.1, and with the built-in one over HTTP/1.1, and prints the
 * three outcomes, and those of a request to each of twelve hosts.
 */

import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'
import { createClient, createFetch, install, uninstall } from 'unshard'

const { CA, H2, H1, NONE } = process.env

// The built-in `fetch` has no option for the addresses of hosts.
const { lookup } = dns
dns.lookup = (host, options, done) => {
  if (!host.endsWith('.test.example')) return lookup(host, options, done)
  return options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4)
}
syncBuiltinESMExports()

/** The client whose connections our `fetch` uses. */
export const client = createClient({ tls: { ca: CA }, lookup: (_host, _options, done) => done(null, '127.0.0.1', 4) })
const ownFetch = createFetch(client)
const originOn = (port, host = 'a') => `https://${host}.test.example:${port}`

/**
 * @param checks gets `{ fetch, origin, none, own }`, and returns functions by name: the outcome of each is compared. `none` is an origin that
 * refuses connections, and `own` tells our `fetch` from the built-in one.
 * @param host gets `{ fetch, origin }`, and makes one request.
 * @param global the library uses the global `fetch`.
 */
export async function run({ checks, host, global = false }) {
  const result = {}
  const hosts = Array.from({ length: 12 }, (_, i) => originOn(H2, `host-${i}`))
  if (global) install(ownFetch)
  for (const [name, port] of [
    ['h2', H2],
    ['h1', H1],
  ])
    result[name] = await outcomes(checks({ fetch: ownFetch, origin: originOn(port), none: originOn(NONE), own: true }))
  result.hosts = await Promise.all(hosts.map((origin) => outcome(() => host({ fetch: ownFetch, origin }))))
  if (global) uninstall()
  const { fetch } = globalThis
  result.builtin = await outcomes(checks({ fetch, origin: originOn(H1), none: originOn(NONE), own: false }))
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit())
}

async function outcomes(checks) {
  const result = {}
  for (const [name, check] of Object.entries(checks)) result[name] = await outcome(check)
  return result
}

/** Time after which a check has failed, in milliseconds: far more than any needs. */
const LIMIT_MS = 60_000

/** Returns the value of a check, or `{ error }`. */
async function outcome(check) {
  // The timer also keeps the process alive: eventsource 5 does not while it waits for its next connection.
  let timer
  const limit = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('this check does not end')), LIMIT_MS)
  })
  try {
    return (await Promise.race([check(), limit])) ?? null
  } catch (error) {
    return { error: described(error) }
  } finally {
    clearTimeout(timer)
  }
}

/** What programs see of an error: its class, status and code, and its message without ports. */
function described(error) {
  const name = error.constructor.name === 'Error' ? error.name : error.constructor.name
  const status = error.status ?? error.statusCode ?? error.response?.status
  const known = [name, status, codeOf(error)].filter((each) => each !== undefined && each !== '')
  return `${known.join(' ')}: ${String(error.message).replaceAll(/(?<=:|port )\d{4,5}\b/g, 'PORT')}`
}

/** The first code of the system, or of an API, that an error or one of its causes has. Other codes are those of a `fetch`. */
function codeOf(error) {
  for (let each = error; each instanceof Error; each = each.cause)
    if (typeof each.code === 'string' && !/^(?:UND_)?ERR_/.test(each.code)) return each.code
}

/** Returns a `fetch` that calls `onResponse` when a response has arrived, before its caller learns of it. */
export function watched(fetch, onResponse) {
  return async (input, init) => {
    const response = await fetch(input, init)
    setImmediate(onResponse)
    return response
  }
}

/** Returns what an iterable of strings yields, joined. */
export async function joined(parts) {
  let text = ''
  for await (const part of parts) text += part ?? ''
  return text
}
