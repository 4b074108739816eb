/**
 * undici dispatchers that reach our `fetch`: passed to a call, stored in a `Request`, or set
 * globally after `install()`. They decide where a request goes (a proxy, a guard, a mock), so none
 * is ignored: each is used, handed to the platform's own `fetch`, or refused.
 */

import { type Client, UsageError } from '@unshard/core'
import { traitsOf } from '@unshard/core/internal'
import { isObject, isRequest } from './brands.js'

/** Our dispatchers and the client each of them sends through. */
const ownClients = new WeakMap<object, Client>()

/** Registers one of our dispatchers: requests that are given it go through its client. */
export function registerDispatcher(dispatcher: object, client: Client): void {
  ownClients.set(dispatcher, client)
}

/** Node 20 to 24 and undici 6 and 7 use the first slot; Node 26 and undici 8 the second. */
const SLOTS = [Symbol.for('undici.globalDispatcher.1'), Symbol.for('undici.globalDispatcher.2')] as const
type Slots = readonly unknown[]

/**
 * Returns the dispatcher of a call: from `init`, else the one its `Request` was made with, if
 * visible.
 */
export function dispatcherOf(input: unknown, init: unknown): unknown {
  const given = isObject(init) ? (init as { dispatcher?: unknown }).dispatcher : undefined
  if (given !== undefined && given !== null) return given
  if (!isRequest(input)) return undefined
  // undici stores it under a private symbol; its newest versions hide it completely.
  for (const symbol of Object.getOwnPropertySymbols(input)) {
    if (symbol.description === 'dispatcher') return (input as unknown as Record<symbol, unknown>)[symbol] ?? undefined
  }
  return undefined
}

/**
 * Returns the client of one of our dispatchers.
 * @throws UsageError `ERR_OTHER_DISPATCHER` for a foreign dispatcher, which would be bypassed.
 */
export function clientOfDispatcher(dispatcher: unknown): Client {
  const client = ownClient(dispatcher)
  if (client === undefined) throw new UsageError('ERR_OTHER_DISPATCHER', REFUSED)
  return client
}

const REFUSED =
  'init.dispatcher is not a Dispatcher of unshard and would be bypassed: ' +
  "set the client's options (proxy, lookup, tls, interceptors), pass a Dispatcher of unshard, or call the platform's own fetch"

/**
 * Returns `undefined` for a foreign dispatcher, and for a Dispatcher that forwards its requests to a
 * mock.
 */
function ownClient(dispatcher: unknown): Client | undefined {
  if (!isObject(dispatcher)) return undefined
  return (dispatcher as { readonly isMockActive?: unknown }).isMockActive === true ? undefined : ownClients.get(dispatcher)
}

/**
 * Returns the current global dispatchers. Reading a class of the platform's fetch first makes
 * undici fill empty slots.
 */
export function globalDispatchers(): Slots {
  void globalThis.Response
  return SLOTS.map((slot) => (globalThis as unknown as Record<symbol, unknown>)[slot])
}

/**
 * Returns the foreign dispatcher that must handle a call of the installed `fetch`; `undefined` if
 * this package sends it.
 * @param before global dispatchers at the time of `install()`.
 */
export function otherDispatcher(input: unknown, init: unknown, before: Slots): unknown {
  const given = dispatcherOf(input, init)
  if (given !== undefined) return ownClient(given) === undefined ? given : undefined
  for (let i = 0; i < SLOTS.length; i++) {
    const now = (globalThis as unknown as Record<symbol, unknown>)[SLOTS[i]!]
    if (now !== before[i] && now !== undefined && ownClient(now) === undefined) return now
  }
  return undefined
}

let warned = false

/**
 * Allows the platform's own `fetch` to use a foreign dispatcher instead of these clients, and warns
 * once per process.
 * @param isGuarded whether the call itself has an address policy.
 * @throws UsageError `ERR_OTHER_DISPATCHER` if a client has a proxy, interceptors or an address
 * policy: none of them may be bypassed.
 */
export function allowOtherDispatcher(clients: readonly (Client | undefined)[], isGuarded = false): void {
  if (isGuarded || clients.some((client) => client === undefined || traitsOf(client).guarded)) {
    throw new UsageError(
      'ERR_OTHER_DISPATCHER',
      "a dispatcher of undici would bypass the installed client's proxy, interceptors or address policy: " +
        "remove the dispatcher or those options, or call the platform's own fetch",
    )
  }
  if (warned) return
  warned = true
  process.emitWarning(
    "fetch() forwards requests with an undici dispatcher to the platform's own fetch: they do not share unshard's connections. " +
      'Use the options of createClient() instead',
    { type: 'UnshardWarning', code: 'UNSHARD_OTHER_DISPATCHER' },
  )
}
