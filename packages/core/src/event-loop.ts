/**
 * The event loop's own functions, copied when this module loads. Fake timers of test runners replace the globals and the members of
 * `node:timers`; a request that waits for one of those would wait forever.
 */

const timers = process.getBuiltinModule('node:timers')

/** Runs a function after the sockets have been read. */
export const setImmediate: typeof globalThis.setImmediate = timers.setImmediate
/** Runs a function when the current one has returned. */
export const queueMicrotask: typeof globalThis.queueMicrotask = globalThis.queueMicrotask
/** Runs a function before the event loop goes on. */
export const nextTick: typeof process.nextTick = process.nextTick
