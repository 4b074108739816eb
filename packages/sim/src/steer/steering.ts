/**
 * Steers a batch: every other world is made from a script that has reached new branches of the client.
 * All depends on the first seed and on the coverage so far, so that a run can be repeated.
 */

import { drawWorld } from '../draw/worlds.js'
import { Random } from '../kernel/random.js'
import type { BatchLimits, WorldSource } from '../run/batch.js'
import type { WorldScript } from '../script/script.js'
import { Corpus } from './corpus.js'
import type { CoveredScript } from './coverage.js'
import { DRAWN, Features, STEERED } from './features.js'
import { mutate } from './mutate.js'

/** Figures of a steered run. */
export interface SteeringFigures {
  readonly worlds: number
  readonly steered: number
  readonly kept: number
  /** Functions and blocks of the client that were executed. */
  readonly features: number
  /** Steered worlds were the first to reach these. */
  readonly bySteering: number
}

export class Steering implements WorldSource {
  readonly corpus: Corpus = new Corpus()
  readonly features: Features = new Features()
  readonly #limits: Pick<BatchLimits, 'seed' | 'world'>
  readonly #take: () => readonly CoveredScript[]
  #worlds = 0
  #drawn = 0
  #isSteered = false

  /** @param take returns the coverage since its last call. */
  constructor(limits: Pick<BatchLimits, 'seed' | 'world'>, take: () => readonly CoveredScript[]) {
    this.#limits = limits
    this.#take = take
    // Coverage of loading and warming up is left out: it depends on real time.
    take()
  }

  /** Number of the current world, from 1 on, if it was made from a kept script. */
  get steeredWorld(): number | undefined {
    return this.#isSteered ? this.#worlds : undefined
  }

  next(index: number): WorldScript {
    const { seed, world } = this.#limits
    this.#isSteered = index % 2 === 1 && this.corpus.kept.length > 0
    this.#worlds = index + 1
    if (!this.#isSteered) return drawWorld(seed + this.#drawn++, world)
    const random = new Random(seed, `steer ${index}`)
    return mutate(random, this.corpus.pick(random), this.corpus.pick(random))
  }

  onRun(script: WorldScript): void {
    this.corpus.offer(script, this.features.learn(this.#take(), this.#isSteered ? STEERED : DRAWN))
  }

  get figures(): SteeringFigures {
    const bySteering = this.features.count(STEERED)
    return {
      ...{ worlds: this.#worlds, steered: this.#worlds - this.#drawn, kept: this.corpus.kept.length },
      ...{ features: this.features.count(DRAWN) + bySteering, bySteering },
    }
  }
}

/** One line for people. */
export function describeSteering({ worlds, steered, kept, features, bySteering }: SteeringFigures): string {
  return `${worlds} worlds, ${steered} of them steered; ${kept} scripts kept; ${features} features of the client reached, ${bySteering} of them first by steered worlds`
}
