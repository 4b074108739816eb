/**
 * Sockets that are left alone for a whole turn of the event loop, so that what lies in them is read. All that ask in one turn share its
 * immediates: a pool of busy HTTP/1.1 connections asks for each of its requests.
 */

import { setImmediate } from './event-loop.js'

let round: (() => void)[] | undefined

/** Calls `aired` after the event loop has once looked at every socket from now on, wherever in a turn this is. */
export function afterEventLoopTurn(callback: () => void): void {
  if (round === undefined) {
    round = []
    setImmediate(endTurn)
  }
  round.push(callback)
}

/** The turn in which they asked is over: the next one is a whole one. */
function endTurn(): void {
  const asked = round!
  round = undefined
  setImmediate(tell, asked, 0)
}

/** A callback that throws does not keep the others waiting. */
function tell(asked: readonly (() => void)[], first: number): void {
  let next = first
  try {
    while (next < asked.length) asked[next++]!()
  } finally {
    if (next < asked.length) setImmediate(tell, asked, next)
  }
}
