/** A fault, as it is done to a run of a cell. */

import type { ClientOptions } from '@unshard/core'
import type { Reached } from '../cell/reach.js'
import type { Stage } from '../cell/stage.js'
import type { Kind, Phase } from '../phases.js'
import type { Random } from '../random.js'
import type { World } from '../server/world.js'

/** Everything a fault can get at. */
export interface Scene {
  readonly phase: Phase
  readonly kind: Kind
  readonly variant: string
  readonly random: Random
  readonly stage: Stage
  readonly world: World
  readonly reached: Reached
}

export type Server = 'process' | 'scripted' | 'external'

/** What is left out is the usual. */
export interface Harm {
  /** In words, for tables. */
  readonly says: string
  /** Needs the kernel: a network namespace with root's rights, and these programs in it. */
  readonly kernel?: (phase: Phase) => readonly string[] | undefined
  /** Why a variant cannot be run here. */
  readonly lacks?: (variant: string) => string | undefined
  /** Default `process`. */
  readonly server?: Server
  /** Time goes on by itself: for faults that end by themselves. */
  readonly realClock?: boolean
  /** Octets of content. */
  readonly size?: number
  readonly client?: ClientOptions
  /** Without the proxy between. */
  readonly direct?: (variant: string) => boolean
  /** All deadlines, where they are not the stage's. */
  readonly timeoutMs?: (variant: string) => number | undefined
  /** The phase to bring the request into first, where the fault has to come before the cell's phase. */
  readonly startIn?: Phase
  /** Strikes, when the phase is reached. Resolves when it has struck. */
  apply(scene: Scene): unknown
  /** While the request goes on under the fault. */
  during?(scene: Scene): unknown
  /** The outcome is there: the network is well again. */
  lift?(scene: Scene): unknown
  /** Nothing is well again: the old connection stays as it is, and only new ones are good. */
  readonly stays?: (scene: Scene) => boolean
}

export const DEFAULT_SIZE = 24_000
/** For faults that make every octet slow. */
export const SLOW_SIZE = 6_000
