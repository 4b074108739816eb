/** The dispatcher that Node's own fetch, and undici, take where none is given: a property of the global object, in two generations. */

import type { Dispatching } from './contract.js'
import { Dispatcher } from './dispatcher.js'

/** Node 20 to 24 and undici 6 and 7 read the first; Node 26 and undici 8 the second. */
const SLOTS = [Symbol.for('undici.globalDispatcher.1'), Symbol.for('undici.globalDispatcher.2')] as const

type Slots = Record<symbol, unknown>

/**
 * Puts `dispatcher` under Node's own `fetch`, and under every undici of the process, without importing one. Where it has no `fallback`, the dispatcher
 * that was there before takes upgrades (`WebSocket`) as long as this is installed.
 * @param dispatcher default: a new one with a client of its own, which coalesces.
 * @returns puts back what was there, unless somebody else has taken the place meanwhile. The dispatcher stays open.
 */
export function installGlobalDispatcher(dispatcher: Dispatching = new Dispatcher()): () => void {
  // Node loads its undici with the first of its classes that is asked for, and that fills the slots where they are empty.
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

/** As undici defines it. An empty slot can be taken away again, so that an undici that is loaded later fills it. */
function put(slots: Slots, slot: symbol, value: unknown): void {
  const existing = Object.getOwnPropertyDescriptor(slots, slot)
  if (value === undefined && existing?.configurable === true) delete slots[slot]
  else if (existing !== undefined) slots[slot] = value
  else Object.defineProperty(slots, slot, { value, writable: true, enumerable: false, configurable: true })
}
