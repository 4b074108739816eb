/** What the world looks like just now, and how it changes: by a seed, and without looking at any client. */

import type { LookupAddress, LookupOptions } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { below, pick, type Random, shuffled } from '../random.js'
import type { Ending, ToServers } from './messages.js'
import { ADDRESSES, CERTIFICATES, FAMILIES, HOSTS, HTTP1_ADDRESS, HTTP1_HOSTS, type Life, TTL_MS } from './plan.js'

/** Of all answers, those that take a moment; of all questions, those without an answer. */
const SLOW_PART = 0.05
const SLOWEST_MS = 10
const LOST_PART = 0.001

const ORIGIN_PART = 0.3
const DISOWNING_PART = 0.4
/** Where everybody's names lead to but those of HTTP/1.1. */
const SHARED: readonly string[] = ADDRESSES.filter((_, number) => number !== HTTP1_ADDRESS)

export class World {
  readonly #random: Random
  /** Where names lead to. */
  readonly #addresses = new Map<string, readonly string[]>()

  constructor(random: Random) {
    this.#random = random
    for (const family of FAMILIES) this.#moveFamily(family)
  }

  /** How the servers start. */
  lives(): Life[] {
    return ADDRESSES.map((_, address) => this.#life(address))
  }

  /** A resolver that tells `onAnswer` what it said, and when. */
  lookup(onAnswer: (host: string, addresses: readonly string[]) => void): LookupFunction {
    const random = this.#random
    return (name, options: LookupOptions, callback) => {
      const host = name.replace(/\.$/, '')
      const addresses = shuffled(random, this.#addresses.get(host) ?? [])
      const answer = (): void => {
        if (addresses.length === 0 || random() < LOST_PART) {
          return callback(Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND' }), '', 4)
        }
        onAnswer(host, addresses)
        const all: LookupAddress[] = addresses.map((address) => ({ address, family: 4, ttl: TTL_MS / 1_000 }))
        if (options.all === true) callback(null, all)
        else callback(null, addresses[0]!, 4)
      }
      if (random() < SLOW_PART) setTimeout(answer, below(random, SLOWEST_MS))
      else process.nextTick(answer)
    }
  }

  /** Changes something. What the servers have to do is returned; where names lead to has changed already. */
  change(): ToServers | undefined {
    const random = this.#random
    const address = below(random, ADDRESSES.length)
    const ending = (how: Ending): ToServers => ({ end: { address, how, part: pick(random, [0.2, 0.5, 1]) } })
    const acts: (() => ToServers | undefined)[] = [
      () => this.#moveHost(),
      () => this.#moveHost(),
      () => this.#moveHost(),
      () => this.#moveFamily(pick(random, FAMILIES)),
      () => ending('graceful'),
      () => ending('goaway'),
      () => ending('reset'),
      () => ({ full: { address } }),
      () => ({ restart: this.#life(address) }),
      () => ({ restart: this.#life(address) }),
    ]
    return pick(random, acts)()
  }

  #moveHost(): undefined {
    const addresses = Array.from({ length: pick(this.#random, [1, 1, 2, 3]) }, () => this.#address())
    this.#lead(pick(this.#random, HOSTS), [...new Set(addresses)])
  }

  /** To one address, and some of its hosts to one more: otherwise there would be little to share. */
  #moveFamily(family: readonly string[]): undefined {
    const random = this.#random
    const home = this.#address()
    for (const host of family) {
      const more = random() < 0.2 ? [this.#address()] : []
      this.#lead(host, [...new Set([home, ...more])])
    }
  }

  /** The first ones more often than the last: hosts that meet nowhere share nothing. */
  #address(): string {
    return SHARED[Math.floor(this.#random() ** 2 * SHARED.length)]!
  }

  #lead(host: string, addresses: readonly string[]): void {
    this.#addresses.set(host, HTTP1_HOSTS.has(host) ? [ADDRESSES[HTTP1_ADDRESS]!] : addresses)
  }

  #life(address: number): Life {
    const random = this.#random
    const some = (part: number): string[] => HOSTS.filter(() => random() < part)
    return {
      address,
      preference: shuffled(
        random,
        CERTIFICATES.map((_, number) => number),
      ),
      originHosts: random() < ORIGIN_PART ? some(0.7) : undefined,
      disowned: random() < DISOWNING_PART ? some(0.2) : [],
      maxStreams: pick(random, [10, 100, 100, 100]),
    }
  }
}
