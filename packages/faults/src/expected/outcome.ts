/** Outcomes of a request in the notation of the table, and the comparison of two of them. */

import { ConnectError, ConnectionError, StreamError, TimeoutError, UnshardError } from '@unshard/core'
import type { Ending } from '../cell/attempt.js'

/**
 * `ok`: the right response, and the request was sent once. `replayed`: the right response, sent
 * twice. `served`: either, if a race decides. Otherwise the error: its class, its phase or code,
 * and `processed`. Alternatives are separated by ` | `.
 */
export type Outcome = string

/** One for all kinds, or one per kind: GET, POST, streamed POST. */
export type Expectation = Outcome | readonly [get: Outcome, post: Outcome, stream: Outcome]

/** One for a cell, or one per variant. */
export type CellExpectation = Expectation | { readonly [variant: string]: Expectation }

/** Returns the notation of an ending. */
export function outcomeOf(ending: Ending, replays: number): Outcome {
  if (ending.ok) return replays === 0 ? 'ok' : replays === 1 ? 'replayed' : `replayed ${replays} times`
  const { error } = ending
  if (!(error instanceof UnshardError)) return `${(error as Error)?.name}: ${(error as Error)?.message ?? String(error)}`
  const { name, processed } = error
  if (error instanceof ConnectError || error instanceof TimeoutError) return `${name} ${error.phase} ${processed}`
  if (error instanceof StreamError && error.errorCode !== undefined) return `${name} ${error.errorCode} ${processed}`
  if (error instanceof ConnectionError) return `${name} ${error.initiator} ${processed}`
  return `${name} ${error.code} ${processed}`
}

/** Whether `outcome` is among the expected ones. */
export function isExpected(outcome: Outcome, expected: Outcome): boolean {
  return expected
    .split(' | ')
    .some((each) => each === outcome || (each === 'served' && (outcome === 'ok' || outcome === 'replayed')))
}

/** Whether only a deadline can end the request. */
export function byDeadline(expected: Outcome): boolean {
  return expected.startsWith('TimeoutError')
}
