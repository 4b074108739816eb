/** Host names to addresses: one question at a time for each name, answers kept for a short while. */

import { isIP, type LookupFunction } from 'node:net'
import { BoundedCache } from '../bounded-cache.js'
import type { Address } from '../connection.js'
import { type Clock, type ClockTimer, startDeadline } from '../deadlines.js'
import { ConnectError, TimeoutError } from '../errors.js'

/** Names remembered. */
const MAX_NAMES = 16_384

/** What a name has resolved to. */
export interface Resolution {
  /** In the order to try them. */
  readonly addresses: readonly Address[]
  /** Until when that may be used, by the client's clock, milliseconds. */
  readonly expiresAt: number
}

/** The resolver of one client. */
export class Resolver {
  readonly #lookup: LookupFunction
  readonly #answers: BoundedCache<Resolution> | undefined
  readonly #asked = new Map<string, Promise<Resolution>>()
  readonly #clock: Clock
  readonly #ttlMs: number
  readonly #timeoutMs: number

  /**
   * @param ttlMs how long an answer is used at the most: less where `lookup` tells a TTL with its addresses. 0 asks every time.
   * @param timeoutMs how long an answer is waited for, after which the name can be asked about anew. 0 waits for ever.
   */
  constructor(lookup: LookupFunction | undefined, ttlMs: number, clock: Clock, timeoutMs = 0) {
    this.#clock = clock
    this.#ttlMs = ttlMs
    this.#timeoutMs = timeoutMs
    this.#lookup = lookup ?? systemLookup
    this.#answers = ttlMs === 0 ? undefined : new BoundedCache({ max: MAX_NAMES, ttl: ttlMs, ttlResolution: 0, perf: clock })
  }

  /** The addresses of `host`, in the order to try them; an address is its own answer. @throws ConnectError phase `resolve`; TimeoutError. */
  resolve(host: string): Promise<Resolution> | Resolution {
    const family = isIP(host)
    if (family !== 0) return { addresses: [{ address: host, family: family as 4 | 6 }], expiresAt: Number.POSITIVE_INFINITY }
    const known = this.#answers?.get(host)
    // The cache keeps it a little longer than it says.
    if (known !== undefined && this.#clock.now() < known.expiresAt) return known
    let asked = this.#asked.get(host)
    if (asked === undefined) {
      asked = this.#ask(host).finally(() => this.#asked.delete(host))
      this.#asked.set(host, asked)
    }
    return asked
  }

  /** The next question is asked anew. */
  forget(host: string): void {
    this.#answers?.delete(host)
  }

  async #ask(host: string): Promise<Resolution> {
    let timer: ClockTimer | undefined
    const { addresses, ttlMs } = await new Promise<Answer>((resolve, reject) => {
      const failed = (cause: unknown): void => {
        const why = cause instanceof Error || isErrorLike(cause) ? cause.message : String(cause)
        reject(new ConnectError('resolve', `cannot resolve ${JSON.stringify(host)}: ${why}`, { cause }))
      }
      if (this.#timeoutMs > 0) {
        timer = startDeadline(this.#clock, this.#timeoutMs, () =>
          reject(new TimeoutError('connect', this.#timeoutMs, { processed: 'no' })),
        )
      }
      try {
        this.#lookup(host, { all: true }, (error, address, family) => {
          if (error !== null && error !== undefined) return failed(error)
          const answer = toAnswer(address, family)
          if (answer.addresses.length === 0) return failed(new Error('no address'))
          resolve(answer)
        })
      } catch (error) {
        failed(error)
      }
    }).finally(() => timer?.cancel())
    const usedMs = Math.min(ttlMs, this.#ttlMs)
    const resolution = { addresses, expiresAt: this.#clock.now() + usedMs }
    if (usedMs > 0) this.#answers?.set(host, resolution, { ttl: usedMs })
    return resolution
  }
}

/** The system's, as it is by then, and loaded by then. */
const systemLookup: LookupFunction = (host, options, callback) => {
  const { lookup } = process.getBuiltinModule('node:dns')
  ;(lookup as LookupFunction)(host, options, callback)
}

interface Answer {
  readonly addresses: readonly Address[]
  /** The smallest that was told; without one, no limit. */
  readonly ttlMs: number
}

/**
 * A `lookup` may answer with a list or, if it does not know `all`, with one address. What is no address is left out. An entry may have
 * a `ttl` in seconds, as those of `dns.resolve4` with `ttl: true` do.
 */
function toAnswer(answer: unknown, family: number | undefined): Answer {
  const list = Array.isArray(answer) ? answer : [{ address: answer, family }]
  const addresses: Address[] = []
  let ttlMs = Number.POSITIVE_INFINITY
  for (const entry of list as ({ address: unknown; ttl?: unknown } | null | undefined)[]) {
    const address = entry?.address
    const actual = typeof address === 'string' ? isIP(address) : 0
    if (actual === 0) continue
    addresses.push({ address: address as string, family: actual as 4 | 6 })
    const ttl = entry?.ttl
    if (typeof ttl === 'number' && ttl >= 0) ttlMs = Math.min(ttlMs, ttl * 1_000)
  }
  return { addresses, ttlMs }
}

function isErrorLike(value: unknown): value is { message: string } {
  return typeof value === 'object' && value !== null && 'message' in value
}
