/** In which order the addresses of a name are tried (RFC 8305 §4), and what earlier attempts say about that. Drops none. */

import { BoundedCache } from '../../runtime/bounded-cache.js'
import type { Clock } from '../../runtime/clock.js'
import type { Address } from '../../transport/route.js'

/** Names, and addresses, remembered. */
const MAX_REMEMBERED = 4_096
/** A server that was away is met soon after it is back. */
const FAILED_TTL_MS = 30_000
const WON_TTL_MS = 600_000

/** What a failed attempt must have ended in to say something about the address, and not about this machine. */
const OF_THE_ADDRESS: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ETIMEDOUT',
])

/** RFC 8305 §4: families take turns, starting with that of the first address. */
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

/** Memory of the addresses that one client has tried. */
export class AddressMemory {
  /** By address and port, whatever the name: TCP knows of none. */
  readonly #failed: BoundedCache<true>
  /** By name and port. */
  readonly #won: BoundedCache<string>

  constructor(clock: Clock) {
    const common = { max: MAX_REMEMBERED, ttlResolution: 0, perf: clock }
    this.#failed = new BoundedCache({ ...common, ttl: FAILED_TTL_MS })
    this.#won = new BoundedCache({ ...common, ttl: WON_TTL_MS })
  }

  /** The address that won last comes first, those that failed lately come last; within both families take turns. */
  order(host: string, port: number, addresses: readonly Address[]): Address[] {
    const won = this.#won.get(keyOf(host, port))
    const winner = addresses.filter(({ address }) => address === won)
    const others = addresses.filter(({ address }) => address !== won)
    const [well, ill]: [Address[], Address[]] = [[], []]
    for (const each of [...winner, ...others]) (this.#failed.has(keyOf(each.address, port)) ? ill : well).push(each)
    return [...interleave(well), ...interleave(ill)]
  }

  /** It accepted TCP and was of no use, or it is slow: others come first for a while. */
  demote(host: string, port: number, address: string): void {
    this.#failed.set(keyOf(address, port), true)
    if (this.#won.get(keyOf(host, port)) === address) this.#won.delete(keyOf(host, port))
  }

  /** Its server has answered: with SETTINGS, or with a response. */
  won(host: string, port: number, address: string): void {
    this.#failed.delete(keyOf(address, port))
    this.#won.set(keyOf(host, port), address)
  }

  /** Not connected; `code` says why. */
  failed(port: number, address: string, code: unknown): void {
    if (OF_THE_ADDRESS.has(code)) this.#failed.set(keyOf(address, port), true)
  }

  /** No address of that name is preferred any more. */
  forget(host: string, port: number): void {
    this.#won.delete(keyOf(host, port))
  }
}

function keyOf(host: string, port: number): string {
  return `${host} ${port}`
}
