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

  constructor(clock: Clock) {
    const common = { max: MAX_REMEMBERED, ttlResolution: 0, perf: clock }
    this.#failed = new BoundedCache({ ...common, ttl: FAILED_TTL_MS })
    this.#disproved = new BoundedCache({ ...common, ttl: FAILED_TTL_MS })
    this.#won = new BoundedCache({ ...common, ttl: WON_TTL_MS })
  }

  /**
   * Puts the last successful address first, then the others, with alternating families, and recently failed ones last: the one that
   * failed first is tried first.
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
    return [...interleave(usable), ...failed.map(([, address]) => address)]
  }

  /** Whether an address has failed recently. */
  hasFailed(port: number, address: string): boolean {
    return this.#failed.has(keyOf(address, port))
  }

  /**
   * Whether `next` gets its attempt later than usual: it has failed recently and this address has
   * not, or it has served nothing on a connection while this one only could not be reached.
   */
  isWorse(port: number, next: string, address: string): boolean {
    if (this.hasFailed(port, next) && !this.hasFailed(port, address)) return true
    return this.#disproved.has(keyOf(next, port)) && !this.#disproved.has(keyOf(address, port))
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

  /** Puts an address last for a while: it accepted a connection, and served nothing on it. */
  disproved(host: string, port: number, address: string): void {
    this.demote(host, port, address)
    this.#disproved.set(keyOf(address, port), this.#failures)
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
