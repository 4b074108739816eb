/** Which of several connections of one origin takes a request. */

import { UsageError } from '../errors/errors.js'
import type { Strategy, StrategyCandidate } from '../message/strategy.js'

/**
 * Chooses one of at least two `candidates`; `turn` counts the choices so far.
 * @throws UsageError
 */
export function choose<T extends StrategyCandidate>(
  strategy: Strategy,
  candidates: readonly T[],
  turn: number,
  affinity: string | undefined,
): T {
  switch (strategy) {
    case 'least-streams':
      return least(candidates, ({ active }) => active)
    case 'random':
      return candidates[Math.floor(Math.random() * candidates.length)]!
    case 'round-robin':
      return candidates[turn % candidates.length]!
    case 'hash':
      return affinity === undefined
        ? least(candidates, ({ active }) => active)
        : least(candidates, ({ id }) => hash(`${affinity} ${id}`))
    default:
      return ask(strategy, candidates, affinity)
  }
}

/**
 * The first candidate with the smallest measure. With a hash this is rendezvous hashing: a closed
 * connection moves only its own requests.
 */
function least<T extends StrategyCandidate>(candidates: readonly T[], measure: (candidate: T) => number): T {
  let best = candidates[0]!
  let bestMeasure = measure(best)
  for (const candidate of candidates) {
    const measured = measure(candidate)
    if (measured < bestMeasure) {
      best = candidate
      bestMeasure = measured
    }
  }
  return best
}

/** 32-bit FNV-1a with a final mix, so that consecutive ids get unrelated hashes. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d)
  return (value ^ (value >>> 13)) >>> 0
}

/** The function is given copies, so that it cannot change the connections or the list. */
function ask<T extends StrategyCandidate>(
  strategy: Exclude<Strategy, string>,
  candidates: readonly T[],
  affinity: string | undefined,
): T {
  const shown = candidates.map(({ id, active, capacity }) => Object.freeze({ id, active, capacity }))
  let chosen: unknown
  try {
    chosen = strategy(Object.freeze(shown), affinity)
  } catch (cause) {
    throw new UsageError('ERR_STRATEGY', `the strategy threw: ${String(cause)}`, { cause })
  }
  const index = shown.indexOf(chosen as (typeof shown)[number])
  if (index >= 0) return candidates[index]!
  // An async function may reject as well, and its error goes nowhere else.
  if (chosen instanceof Promise) chosen.catch(() => undefined)
  throw new UsageError('ERR_STRATEGY', 'the strategy must return one of the candidates it was given')
}
