/**
 * The default dispatcher of Node's own fetch and of undici: a property of the global object, in two
 * generations.
 */

import type { Client } from '@unshard/core'
import { traitsOf } from '@unshard/core/internal'
import type { Dispatching } from './contract.js'
import { Dispatcher } from './dispatcher.js'

/** Node 20 to 24 and undici 6 and 7 read the first; Node 26 and undici 8 the second. */
const SLOTS = [Symbol.for('undici.globalDispatcher.1'), Symbol.for('undici.globalDispatcher.2')] as const

type Slots = Record<symbol, unknown>

/**
 * Installs `dispatcher` for Node's own `fetch` and for every undici of the process, without
 * importing one. If it has no `fallback`, the previous dispatcher handles `CONNECT` while this one is
 * installed; it is refused if the client has a proxy or an address policy, which it would bypass.
 * @param dispatcher default: a new one with a dedicated client that coalesces.
 * @returns a function that restores the previous dispatcher, unless a third one has been set since.
 * The dispatcher stays open.
 */
export function installGlobalDispatcher(dispatcher: Dispatching = new Dispatcher()): () => void {
  // Node loads its undici when one of its classes is first read, which fills empty slots.
  void globalThis.Response
  const slots = globalThis as unknown as Slots
  const before = SLOTS.map((slot) => slots[slot])
  const lent = dispatcher instanceof Dispatcher && dispatcher.fallback === undefined
  const previous = (before[0] ?? before[1]) as Dispatching | undefined
  if (lent && previous !== undefined) dispatcher.fallback = unlessGuarded(previous, dispatcher.client)
  for (const slot of SLOTS) put(slots, slot, dispatcher)
  return () => {
    if (lent) dispatcher.fallback = undefined
    SLOTS.forEach((slot, i) => {
      if (slots[slot] === dispatcher) put(slots, slot, before[i])
    })
  }
}

/** Returns `previous`, but refuses what would bypass the proxy or the address policy of `client`. A mock connects to nothing. */
function unlessGuarded(previous: Dispatching, client: Client): Dispatching {
  let refusing: Dispatcher | undefined
  return {
    get isMockActive() {
      return previous.isMockActive
    },
    dispatch(options, handler) {
      if (previous.isMockActive === true || !traitsOf(client).guarded) return previous.dispatch(options, handler)
      refusing ??= new Dispatcher({ client })
      return refusing.dispatch(options, handler)
    },
  }
}

/**
 * Defined as undici does it. An empty slot can be deleted again, so that an undici loaded later
 * fills it.
 */
function put(slots: Slots, slot: symbol, value: unknown): void {
  const existing = Object.getOwnPropertyDescriptor(slots, slot)
  if (value === undefined && existing?.configurable === true) delete slots[slot]
  else if (existing !== undefined) slots[slot] = value
  else Object.defineProperty(slots, slot, { value, writable: true, enumerable: false, configurable: true })
}
