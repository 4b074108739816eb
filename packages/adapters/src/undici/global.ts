/**
 * The default dispatcher of Node's own fetch and of undici: a property of the global object, in two
 * generations.
 */

import type { Dispatching } from './contract.js'
import { Dispatcher } from './dispatcher.js'

/** Node 20 to 24 and undici 6 and 7 read the first; Node 26 and undici 8 the second. */
const SLOTS = [Symbol.for('undici.globalDispatcher.1'), Symbol.for('undici.globalDispatcher.2')] as const

type Slots = Record<symbol, unknown>

/**
 * Installs `dispatcher` for Node's own `fetch` and for every undici of the process, without
 * importing one. If it has no `fallback`, the previous dispatcher handles upgrades (`WebSocket`)
 * while this one is installed.
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
  if (lent) dispatcher.fallback = (before[0] ?? before[1]) as Dispatching | undefined
  for (const slot of SLOTS) put(slots, slot, dispatcher)
  return () => {
    if (lent) dispatcher.fallback = undefined
    SLOTS.forEach((slot, i) => {
      if (slots[slot] === dispatcher) put(slots, slot, before[i])
    })
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
