/**
 * The asynchronous context of a request (`AsyncLocalStorage`), for user-supplied functions and
 * sources: otherwise a shared connection would run them in the context of a different request.
 * Captured only if a request has such a function or source.
 */

import { captureContext } from '../runtime/async-context.js'

/** Binds a function to the current context. */
export function inContext<Args extends unknown[], Result>(callback: (...args: Args) => Result): (...args: Args) => Result
export function inContext<Args extends unknown[], Result>(
  callback: ((...args: Args) => Result) | undefined,
): ((...args: Args) => Result) | undefined
export function inContext<Args extends unknown[], Result>(
  callback: ((...args: Args) => Result) | undefined,
): ((...args: Args) => Result) | undefined {
  if (callback === undefined) return undefined
  const run = captureContext()
  return (...args) => run(callback, ...args)
}

/** Binds `open` to the current context: sources are also read and closed in it. */
export function openerInContext<T, Part>(open: (source: T) => AsyncIterator<Part>): (source: T) => AsyncIterator<Part> {
  const run = captureContext()
  return (source) => {
    const iterator = run(open, source)
    const next = (): Promise<IteratorResult<Part>> => iterator.next()
    const leave = (reason: unknown): Promise<IteratorResult<Part>> | undefined => iterator.return?.(reason)
    return { next: () => run(next), return: (reason) => run(leave, reason) as Promise<IteratorResult<Part>> }
  }
}
