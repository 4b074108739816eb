/**
 * Dispatchers of undici where they meet our `fetch`: given to a call, kept in a `Request`, or set globally after `install()`. They decide where a request
 * goes (a proxy, a guard, a mock), so none is ignored: it is used, handed to the platform's own `fetch`, or refused.
 */

import { type Client, UsageError } from '@unshard/core'
import { traitsOf } from '@unshard/core/internal'
import { isObject, isRequest } from './brands.js'

/** The dispatchers of ours, each with the client that it sends through. */
const ownClients = new WeakMap<object, Client>()

/** Makes a dispatcher known as one of ours: requests that are given it go through its client. */
export function registerDispatcher(dispatcher: object, client: Client): void {
  ownClients.set(dispatcher, client)
}

/** Node 20 to 24 and undici 6 and 7 use the first slot; Node 26 and undici 8 the second. */
const SLOTS = [Symbol.for('undici.globalDispatcher.1'), Symbol.for('undici.globalDispatcher.2')] as const
type Slots = readonly unknown[]

/** The dispatcher of a call: of `init`, else the one that a `Request` was made with, as far as that can be seen. */
export function dispatcherOf(input: unknown, init: unknown): unknown {
  const given = isObject(init) ? (init as { dispatcher?: unknown }).dispatcher : undefined
  if (given !== undefined && given !== null) return given
  if (!isRequest(input)) return undefined
  // undici keeps it under a symbol of its own; the newest versions keep it where only they can see it.
  for (const symbol of Object.getOwnPropertySymbols(input)) {
    if (symbol.description === 'dispatcher') return (input as unknown as Record<symbol, unknown>)[symbol] ?? undefined
  }
  return undefined
}

/**
 * The client of a dispatcher of ours.
 * @throws UsageError `ERR_OTHER_DISPATCHER` for another's, which would be bypassed.
 */
export function clientOfDispatcher(dispatcher: unknown): Client {
  const client = ownClient(dispatcher)
  if (client === undefined) throw new UsageError('ERR_OTHER_DISPATCHER', REFUSED)
  return client
}

const REFUSED =
  'init.dispatcher is a dispatcher that this fetch would bypass: ' +
  "set the client's options (proxy, lookup, tls, interceptors), give a Dispatcher of unshard, or call the platform's own fetch"

/** `undefined` for another's, and for one of ours that leaves its requests to a mock. */
function ownClient(dispatcher: unknown): Client | undefined {
  if (!isObject(dispatcher)) return undefined
  return (dispatcher as { readonly isMockActive?: unknown }).isMockActive === true ? undefined : ownClients.get(dispatcher)
}

/** The global dispatchers there are. Reading a class of the platform's fetch first makes undici fill the slots where they are empty. */
export function globalDispatchers(): Slots {
  void globalThis.Response
  return SLOTS.map((slot) => (globalThis as unknown as Record<symbol, unknown>)[slot])
}

/**
 * The dispatcher of another that a call through the installed `fetch` has to go to; `undefined` where it is ours to send.
 * @param before the global dispatchers at the time of `install()`.
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
 * Whether the platform's own `fetch` may obey another's dispatcher in place of these clients; it is said once in a process that it does.
 * @throws UsageError `ERR_OTHER_DISPATCHER` where a client has a proxy, interceptors or an address policy: none of them may be bypassed.
 */
export function allowOtherDispatcher(clients: readonly (Client | undefined)[]): void {
  if (clients.some((client) => client === undefined || traitsOf(client).guarded)) {
    throw new UsageError(
      'ERR_OTHER_DISPATCHER',
      "a dispatcher of undici would bypass the installed client's proxy, interceptors or address policy: " +
        "remove one of the two, or call the platform's own fetch",
    )
  }
  if (warned) return
  warned = true
  process.emitWarning(
    "fetch() leaves requests with a dispatcher of undici to the platform's own fetch: they share no connection of unshard. " +
      'Use the options of createClient() in its place',
    { type: 'UnshardWarning', code: 'UNSHARD_OTHER_DISPATCHER' },
  )
}
