/**
 * The asynchronous context of a request (`AsyncLocalStorage`). Functions and sources of the caller run in it: on a shared connection they would run
 * in that of whichever request is served first. Captured only where there is such a function or source.
 */

import { AsyncLocalStorage } from 'node:async_hooks'

/** The same function, which runs in the context that holds now. */
export function inContext<Args extends unknown[], Result>(callback: (...args: Args) => Result): (...args: Args) => Result
export function inContext<Args extends unknown[], Result>(
  callback: ((...args: Args) => Result) | undefined,
): ((...args: Args) => Result) | undefined
export function inContext<Args extends unknown[], Result>(
  callback: ((...args: Args) => Result) | undefined,
): ((...args: Args) => Result) | undefined {
  if (callback === undefined) return undefined
  const run = AsyncLocalStorage.snapshot()
  return (...args) => run(callback, ...args)
}

/** Opens sources so that they are opened, read and left in the context that holds now. */
export function openerInContext<T, Part>(open: (source: T) => AsyncIterator<Part>): (source: T) => AsyncIterator<Part> {
  const run = AsyncLocalStorage.snapshot()
  return (source) => {
    const iterator = run(open, source)
    const next = (): Promise<IteratorResult<Part>> => iterator.next()
    const leave = (reason: unknown): Promise<IteratorResult<Part>> | undefined => iterator.return?.(reason)
    return { next: () => run(next), return: (reason) => run(leave, reason) as Promise<IteratorResult<Part>> }
  }
}
