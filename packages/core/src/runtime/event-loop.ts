/**
 * Event-loop functions, copied when this module loads. Fake timers of test runners replace the
 * globals and the members of `node:timers`; a request that waits for a fake would wait forever.
 */

/**
 * Returns the original function, even if fake timers are on while this module loads. Those of
 * sinon, jest and vitest (all `@sinonjs/fake-timers`) keep the original in `clock._name` of the
 * replacement.
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

/** Maximum number of nested fakes. */
const MAX_FAKES = 8

const timers = process.getBuiltinModule('node:timers')

/** Runs a function after the sockets were polled. */
export const setImmediate: typeof globalThis.setImmediate = unfaked('setImmediate', timers.setImmediate)
const setTimeout = unfaked('setTimeout', timers.setTimeout)
/**
 * Runs a function once the sockets were polled, as `setImmediate` does in Node and Bun. Immediates of
 * Deno run without a poll, however many of them; a timer lets it poll, and what it found is read
 * before the next immediate.
 */
export const afterPoll: (callback: () => void) => void =
  process.versions['deno'] === undefined ? setImmediate : (callback) => void setTimeout(setImmediate, 0, callback)
/** Runs a function after the current one has returned. */
export const queueMicrotask: typeof globalThis.queueMicrotask = unfaked('queueMicrotask', globalThis.queueMicrotask)
/** Runs a function before the event loop continues. */
export const nextTick: typeof process.nextTick = unfaked('nextTick', process.nextTick)
