/** How one of several connections of an origin is selected for a request. `pool/strategy.ts` selects it. */

import { invalidOption } from '../schema/option-checks.js'

/** A connection, as a user-supplied {@link Strategy} sees it. */
export interface StrategyCandidate {
  readonly id: number
  /** Requests in flight. */
  readonly active: number
  /** Requests that may start now; above 0. */
  readonly capacity: number
}

/** Selects one of several connections. A function receives those with capacity, at least two, and returns one of them. */
export type Strategy =
  | 'least-streams'
  | 'random'
  | 'round-robin'
  | 'hash'
  | ((candidates: readonly StrategyCandidate[], affinity: string | undefined) => StrategyCandidate)

const STRATEGIES: ReadonlySet<unknown> = new Set(['least-streams', 'random', 'round-robin', 'hash'])

/** Checks a strategy. @throws UsageError `ERR_INVALID_OPTION` */
export function checkStrategy(given: Strategy, name: string): Strategy {
  if (typeof given === 'function' || STRATEGIES.has(given)) return given
  throw invalidOption(name, `${[...STRATEGIES].join(', ')} or a function`, given)
}
