/** A fault, as it is applied to a run of a cell. */

import type { ClientOptions } from '@unshard/core'
import type { CellFixture } from '../cell/fixture.js'
import type { Reached } from '../cell/reach.js'
import type { Kind, Phase } from '../phases.js'
import type { Random } from '../random.js'
import type { Environment } from '../server/environment.js'

/** Everything a fault can control. */
export interface Scene {
  readonly phase: Phase
  readonly kind: Kind
  readonly variant: string
  readonly random: Random
  readonly fixture: CellFixture
  readonly environment: Environment
  readonly reached: Reached
}

export type Server = 'process' | 'scripted' | 'external'

/** Omitted members have defaults. */
export interface Fault {
  /** Description for tables. */
  readonly says: string
  /** Requires the kernel: a network namespace with root privileges, and these programs in it. */
  readonly kernel?: (phase: Phase) => readonly string[] | undefined
  /** Reason why a variant cannot be run here. */
  readonly lacks?: (variant: string) => string | undefined
  /** Default `process`. */
  readonly server?: Server
  /** The clock advances by itself: for faults that end by themselves. */
  readonly realClock?: boolean
  /** Length of the content in bytes. */
  readonly size?: number
  readonly client?: ClientOptions
  /** Connect without the proxy. */
  readonly direct?: (variant: string) => boolean
  /** One value for all deadlines, if they differ from those of the fixture. */
  readonly timeoutMs?: (variant: string) => number | undefined
  /** Phase to reach first, if the fault must precede the phase of the cell. */
  readonly startIn?: Phase
  /** Applies the fault when the phase is reached. Resolves when it is in effect. */
  apply(scene: Scene): unknown
  /** Called while the request continues under the fault. */
  during?(scene: Scene): unknown
  /** Called after the outcome: the network recovers. */
  lift?(scene: Scene): unknown
  /** The network does not recover: the old connection stays as it is, and only new ones work. */
  readonly stays?: (scene: Scene) => boolean
}

export const DEFAULT_SIZE = 24_000
/** For faults that slow down every byte. */
export const SLOW_SIZE = 6_000
