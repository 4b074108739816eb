/**
 * Current state of the simulated network, and its random changes by a seed, independent of the
 * clients.
 */

import type { LookupAddress, LookupOptions } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { below, pick, type Random, shuffled } from '../random.js'
import type { Ending, ToServers } from './messages.js'
import { ADDRESSES, CERTIFICATES, FAMILIES, HOSTS, HTTP1_ADDRESS, HTTP1_HOSTS, type Life, TTL_MS } from './plan.js'

/** Share of slow DNS answers, and share of failing lookups. */
const SLOW_PART = 0.05
const SLOWEST_MS = 10
const LOST_PART = 0.001

const ORIGIN_PART = 0.3
const DISOWNING_PART = 0.4
/** Addresses that any name may resolve to: all but the HTTP/1.1 one. */
const SHARED: readonly string[] = ADDRESSES.filter((_, number) => number !== HTTP1_ADDRESS)

export class Environment {
  readonly #random: Random
  /** Addresses by name. */
  readonly #addresses = new Map<string, readonly string[]>()

  constructor(random: Random) {
    this.#random = random
    for (const family of FAMILIES) this.#moveFamily(family)
  }

  /** Initial configuration of the servers. */
  lives(): Life[] {
    return ADDRESSES.map((_, address) => this.#life(address))
  }

  /** Returns a resolver that reports its answers to `onAnswer`. */
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

  /**
   * Changes the environment at random. Returns a message for the servers; changed addresses take
   * effect at once.
   */
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

  /**
   * Moves a family to one address, and some of its hosts to an additional one, so that there is
   * something to share.
   */
  #moveFamily(family: readonly string[]): undefined {
    const random = this.#random
    const home = this.#address()
    for (const host of family) {
      const additional = random() < 0.2 ? [this.#address()] : []
      this.#lead(host, [...new Set([home, ...additional])])
    }
  }

  /** Prefers the first addresses: hosts without a common address share nothing. */
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
