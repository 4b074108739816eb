/** Scripts that have reached a new feature of the client. */

import type { Random } from '../kernel/random.js'
import type { WorldScript } from '../script/script.js'

export interface Kept {
  readonly script: WorldScript
  /** Features that it was the first to reach. */
  readonly news: number
}

/** Half of the time, one of the newest is picked: they lead to where no other script has been. */
const NEWEST = 20

export class Corpus {
  readonly kept: Kept[] = []

  /** Keeps a script if it has reached something new. */
  offer(script: WorldScript, news: number): boolean {
    if (news === 0) return false
    this.kept.push({ script, news })
    return true
  }

  pick(random: Random): WorldScript {
    const { kept } = this
    return random.pick(random.chance(0.5) ? kept.slice(-NEWEST) : kept).script
  }
}
