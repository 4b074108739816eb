/**
 * Yields one full event-loop turn, so that data already buffered in idle sockets is read before
 * reuse. All calls of one turn share its immediates, because busy HTTP/1.1 connections call this
 * for each request.
 */

import { afterPoll, setImmediate } from './event-loop.js'

let round: (() => void)[] | undefined

/** Calls `callback` after the event loop has polled every socket once, counted from now. */
export function afterEventLoopTurn(callback: () => void): void {
  if (round === undefined) {
    round = []
    setImmediate(poll)
  }
  round.push(callback)
}

/** Ends the turn of the calls; the next turn is a full one. */
function poll(): void {
  const callbacks = round!
  round = undefined
  afterPoll(() => run(callbacks, 0))
}

/** Runs the callbacks. One that throws does not delay the others. */
function run(callbacks: readonly (() => void)[], first: number): void {
  let next = first
  try {
    while (next < callbacks.length) callbacks[next++]!()
  } finally {
    if (next < callbacks.length) setImmediate(run, callbacks, next)
  }
}
