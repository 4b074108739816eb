/**
 * Orders the addresses of a name (RFC 8305 §4), by the results of earlier attempts. Never drops an
 * address.
 */

import { BoundedCache } from '../../runtime/bounded-cache.js'
import type { Clock } from '../../runtime/clock.js'
import type { Address, Route } from '../../transport/route.js'

/** Maximum number of names, and of addresses, remembered. */
const MAX_REMEMBERED = 4_096
/**
 * How long a failed address is tried last, in milliseconds. Short, so that a server that is back is
 * found.
 */
const FAILED_TTL_MS = 30_000
const WON_TTL_MS = 600_000
/** How long responses of an address, and the connections that it lost since, are remembered, in milliseconds. */
const ANSWERED_TTL_MS = 3_600_000
/**
 * Connections in a row that an address may lose before an address that has never answered is
 * preferred: a request that ends its connections is sent up to three times.
 */
const MAX_LOSSES = 3

/** Error codes that indicate a problem of the address, and not of this machine. */
const OF_THE_ADDRESS: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ETIMEDOUT',
])

/** Alternates between families, starting with that of the first address (RFC 8305 §4). */
export function interleave(addresses: readonly Address[]): Address[] {
  const first = addresses.filter((a) => a.family === addresses[0]?.family)
  const second = addresses.filter((a) => a.family !== addresses[0]?.family)
  const order: Address[] = []
  for (let i = 0; i < Math.max(first.length, second.length); i++) {
    if (i < first.length) order.push(first[i]!)
    if (i < second.length) order.push(second[i]!)
  }
  return order
}

/** Remembers the addresses that one client has tried. */
export class AddressMemory {
  /** By address and port, whatever the name: the number of the last failure. */
  readonly #failed: BoundedCache<number>
  #failures = 0
  /** Those of them that accepted a connection, and served nothing on it. */
  readonly #disproved: BoundedCache<number>
  /** By name and port. */
  readonly #won: BoundedCache<string>
  /** Those that have answered a request. */
  readonly #answered: BoundedCache<true>
  /** Connections that served nothing since the last response, by address and port. */
  readonly #losses: BoundedCache<number>

  constructor(clock: Clock) {
    const common = { max: MAX_REMEMBERED, ttlResolution: 0, perf: clock }
    this.#failed = new BoundedCache({ ...common, ttl: FAILED_TTL_MS })
    this.#disproved = new BoundedCache({ ...common, ttl: FAILED_TTL_MS })
    this.#won = new BoundedCache({ ...common, ttl: WON_TTL_MS })
    this.#answered = new BoundedCache({ ...common, ttl: ANSWERED_TTL_MS })
    this.#losses = new BoundedCache({ ...common, ttl: ANSWERED_TTL_MS })
  }

  /**
   * Puts the last successful address first, then the others, with alternating families, and recently failed ones last: the one that
   * failed first is tried first. If all others have only ever lost connections, one that has answered
   * comes first although it has just failed.
   */
  order(host: string, port: number, addresses: readonly Address[]): Address[] {
    const won = this.#won.get(keyOf(host, port))
    const winner = addresses.filter(({ address }) => address === won)
    const others = addresses.filter(({ address }) => address !== won)
    const usable: Address[] = []
    const failed: [failure: number, address: Address][] = []
    for (const each of [...winner, ...others]) {
      const failure = this.#failed.get(keyOf(each.address, port))
      if (failure === undefined) usable.push(each)
      else failed.push([failure, each])
    }
    failed.sort(([one], [other]) => one - other)
    const last = failed.map(([, address]) => address)
    if (!usable.every(({ address }) => this.#isSuspect(address, port)))
      return [...this.#suspectsLast(interleave(usable), port), ...last]
    const trusted = last.filter(({ address }) => this.#isTrusted(address, port))
    return [...trusted, ...interleave(usable), ...last.filter((each) => !trusted.includes(each))]
  }

  /** Moves addresses that have only ever lost connections behind the others, if one of these has answered a request. */
  #suspectsLast(addresses: Address[], port: number): Address[] {
    if (!addresses.some(({ address }) => this.#isTrusted(address, port))) return addresses
    const suspects = addresses.filter(({ address }) => this.#isSuspect(address, port))
    return suspects.length === 0 ? addresses : [...addresses.filter((each) => !suspects.includes(each)), ...suspects]
  }

  /** Whether an address has failed recently. */
  hasFailed(port: number, address: string): boolean {
    return this.#failed.has(keyOf(address, port))
  }

  /**
   * Whether `next` gets its attempt later than usual: it has failed recently and this address has
   * not, or it was the last of the two to serve nothing on a connection, or only this one has ever
   * answered. An address that is near would otherwise win although it is not its turn.
   */
  isWorse(port: number, next: string, address: string): boolean {
    if (this.hasFailed(port, next) && !this.hasFailed(port, address)) return true
    if (this.#isSuspect(next, port) && this.#isTrusted(address, port)) return true
    return (this.#disproved.get(keyOf(next, port)) ?? 0) > (this.#disproved.get(keyOf(address, port)) ?? 0)
  }

  /** Puts an address last for a while: it accepted TCP but was unusable, or it is slow. */
  demote(host: string, port: number, address: string): void {
    this.#failed.set(keyOf(address, port), ++this.#failures)
    if (this.#won.get(keyOf(host, port)) === address) this.#won.delete(keyOf(host, port))
  }

  /** Number of failures so far, for {@link othersThan}. */
  get failures(): number {
    return this.#failures
  }

  /**
   * Puts an address last for a while: it accepted a connection, and served nothing on it.
   * @param again whether another request of the same connection has failed before.
   */
  disproved(host: string, port: number, address: string, again = false): void {
    this.demote(host, port, address)
    const key = keyOf(address, port)
    this.#disproved.set(key, this.#failures)
    if (!again) this.#losses.set(key, (this.#losses.get(key) ?? 0) + 1)
  }

  /** Records that an address has answered a request. */
  answered(port: number, address: string): void {
    const key = keyOf(address, port)
    this.#answered.set(key, true)
    this.#losses.delete(key)
  }

  /**
   * The addresses that may be well, in order, if that of a new connection has served nothing on
   * another one since its dial began; else none.
   * @param failuresBefore {@link failures} when the dial began.
   */
  othersThan({ origin, addresses, remoteAddress }: Route, failuresBefore: number): Address[] {
    const { host, port } = origin
    if ((this.#disproved.get(keyOf(remoteAddress ?? '', port)) ?? 0) <= failuresBefore) return []
    return this.order(host, port, addresses).filter(({ address }) => !this.hasFailed(port, address))
  }

  /** Prefers an address whose server sent SETTINGS or a response. */
  won(host: string, port: number, address: string): void {
    this.#failed.delete(keyOf(address, port))
    this.#disproved.delete(keyOf(address, port))
    this.#won.set(keyOf(host, port), address)
  }

  /** Whether an address has answered a request, and has lost few connections since. */
  #isTrusted(address: string, port: number): boolean {
    const key = keyOf(address, port)
    return this.#answered.has(key) && (this.#losses.get(key) ?? 0) < MAX_LOSSES
  }

  /** Whether an address has lost connections, and has never answered a request. */
  #isSuspect(address: string, port: number): boolean {
    const key = keyOf(address, port)
    return this.#losses.has(key) && !this.#answered.has(key)
  }

  /** Records a failed TCP connect and its error code. */
  failed(port: number, address: string, code: unknown): void {
    if (OF_THE_ADDRESS.has(code)) this.#failed.set(keyOf(address, port), ++this.#failures)
  }

  /** Forgets the preferred address of a name. */
  forget(host: string, port: number): void {
    this.#won.delete(keyOf(host, port))
  }
}

function keyOf(host: string, port: number): string {
  return `${host} ${port}`
}
