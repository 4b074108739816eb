/**
 * The event loop's own functions, copied when this module loads. Fake timers of test runners replace the globals and the members of
 * `node:timers`; a request that waits for one of those would wait forever.
 */

/**
 * The function itself, also where it is replaced already because fake timers are on while this module loads. Those of sinon, jest and
 * vitest (all of them `@sinonjs/fake-timers`) keep what they replace under `clock._name` of the replacement.
 */
export function unfaked<T extends object>(name: string, found: T): T {
  let current = found
  for (let depth = 0; depth < MAX_FAKES; depth++) {
    const replaced = (current as { clock?: Readonly<Record<string, T>> }).clock?.[`_${name}`]
    if (typeof replaced !== 'function') break
    current = replaced
  }
  return current
}

/** How many fakes may lie one over the other. */
const MAX_FAKES = 8

const timers = process.getBuiltinModule('node:timers')

/** Runs a function after the sockets have been read. */
export const setImmediate: typeof globalThis.setImmediate = unfaked('setImmediate', timers.setImmediate)
/** Runs a function when the current one has returned. */
export const queueMicrotask: typeof globalThis.queueMicrotask = unfaked('queueMicrotask', globalThis.queueMicrotask)
/** Runs a function before the event loop goes on. */
export const nextTick: typeof process.nextTick = unfaked('nextTick', process.nextTick)
