/** Host names to addresses: one question at a time for each name, answers kept for a short while, and for an hour if the resolver fails. */

import { isIP, type LookupFunction } from 'node:net'
import { ConnectError } from '../../errors/errors.js'
import { BoundedCache } from '../../runtime/bounded-cache.js'
import type { Clock, ClockTimer } from '../../runtime/clock.js'
import { startDeadline } from '../../runtime/deadlines.js'
import type { Address } from '../../transport/route.js'

/** Names remembered. */
const MAX_NAMES = 16_384
/** Time for which an old answer is used while the resolver has none (RFC 8767 §4), milliseconds. */
export const MAX_STALE_MS = 3_600_000
/** How long a request waits for the resolver while there is an old answer: the client response timer of RFC 8767 §5, milliseconds. */
const STALE_AFTER_MS = 1_800
/** How long an old answer is used before the resolver is asked again, the failure recheck timer of RFC 8767 §5, milliseconds. */
const RECHECK_MS = 30_000

/**
 * Codes that say something about the resolver and nothing about the name: getaddrinfo(3), and the c-ares ones of `dns.resolve`. A code that
 * is not here, or none, is an answer: the error of a user-supplied `lookup` that refuses an address must hold.
 */
const TEMPORARY: ReadonlySet<unknown> = new Set([
  ...['EAI_AGAIN', 'EAI_FAIL', 'EAI_SYSTEM', 'EAI_MEMORY'],
  ...['ESERVFAIL', 'ETIMEOUT', 'ECONNREFUSED', 'EREFUSED', 'ECANCELLED', 'ENOTIMP', 'EFORMERR', 'EBADRESP', 'ETIMEDOUT'],
])

/** The answer for a name. */
export interface Resolution {
  /** In the order to try them. */
  readonly addresses: readonly Address[]
  /** Until when that may be used, by the client's clock, milliseconds. */
  readonly expiresAt: number
}

/** An answer that may be used up. */
interface Known extends Resolution {
  /** Until when it may be used where the resolver has no answer. */
  readonly staleUntil: number
  /** It is being used because the resolver had no answer. */
  readonly outage?: boolean
}

/** The resolver of one client. */
export class Resolver {
  readonly #lookup: LookupFunction
  readonly #answers: BoundedCache<Known> | undefined
  readonly #asked = new Map<string, Promise<Resolution>>()
  readonly #clock: Clock
  readonly #ttlMs: number
  readonly #timeoutMs: number

  /**
   * @param ttlMs the longest time that an answer is used: less where `lookup` tells a TTL with its addresses. 0 asks every time.
   * @param timeoutMs how long a question is shared by all who ask; then the next one asks again. 0 is forever.
   */
  constructor(lookup: LookupFunction | undefined, ttlMs: number, clock: Clock, timeoutMs = 0) {
    this.#clock = clock
    this.#ttlMs = ttlMs
    this.#timeoutMs = timeoutMs
    this.#lookup = lookup ?? systemLookup
    this.#answers =
      ttlMs === 0 ? undefined : new BoundedCache({ max: MAX_NAMES, ttl: ttlMs + MAX_STALE_MS, ttlResolution: 0, perf: clock })
  }

  /**
   * The addresses of `host`, in the order to try them; an address is its own answer. Where the resolver fails or does not answer, an old
   * answer is used for at most an hour, and the resolver is asked again without a request that waits for it.
   * @throws ConnectError phase `resolve`. How long to wait is the caller's affair.
   */
  resolve(host: string): Promise<Resolution> | Resolution {
    const family = isIP(host)
    if (family !== 0) return { addresses: [{ address: host, family: family as 4 | 6 }], expiresAt: Number.POSITIVE_INFINITY }
    const known = this.#answers?.get(host)
    const now = this.#clock.now()
    if (known !== undefined && now < known.expiresAt) return known
    const asked = this.#question(host)
    if (known === undefined || now >= known.staleUntil) return asked
    const answer = this.#orStale(host, asked, known)
    if (known.outage !== true) return answer
    // The resolver is known to be out: no request waits for it, and the next one goes by what it has said by then.
    answer.catch(() => undefined)
    return { ...known, expiresAt: now + STALE_AFTER_MS }
  }

  /** The next question is asked again. Only where the resolver has no answer the old one is used. */
  forget(host: string): void {
    const known = this.#answers?.get(host)
    if (known !== undefined) this.#keep(host, { ...known, expiresAt: this.#clock.now() })
  }

  /** One question at a time for each name; after a while one that is not answered is not waited for by others. */
  #question(host: string): Promise<Resolution> {
    let asked = this.#asked.get(host)
    if (asked === undefined) {
      const over = (): void => {
        timer?.cancel()
        if (this.#asked.get(host) === question) this.#asked.delete(host)
      }
      const timer = this.#timeoutMs === 0 ? undefined : this.#clock.startTimer(this.#timeoutMs, over)
      timer?.unref()
      const question = this.#ask(host)
        .catch((error: unknown) => {
          // Whenever it comes: what the resolver has refused is not to be had from memory.
          if (!isTemporary(error)) this.#answers?.delete(host)
          throw error
        })
        .finally(over)
      this.#asked.set(host, question)
      asked = question
    }
    return asked
  }

  async #orStale(host: string, asked: Promise<Resolution>, known: Known): Promise<Resolution> {
    let timer: ClockTimer | undefined
    const late = new Promise<undefined>((resolve) => {
      timer = startDeadline(this.#clock, STALE_AFTER_MS, () => resolve(undefined))
    })
    // An answer that comes too late for this request is kept for the next.
    asked.catch(() => undefined)
    try {
      const answer = await Promise.race([asked, late])
      if (answer !== undefined) return answer
    } catch (error) {
      if (!isTemporary(error)) throw error
    } finally {
      timer?.cancel()
    }
    const stale = { ...known, outage: true, expiresAt: Math.min(known.staleUntil, this.#clock.now() + RECHECK_MS) }
    // Unless the answer has come in between.
    const current = this.#answers?.get(host)
    if (current !== undefined && current.expiresAt > this.#clock.now()) return current
    this.#keep(host, stale)
    return stale
  }

  async #ask(host: string): Promise<Resolution> {
    const { addresses, ttlMs } = await new Promise<DnsAnswer>((resolve, reject) => {
      const failed = (cause: unknown): void => {
        const why = cause instanceof Error || isErrorLike(cause) ? cause.message : String(cause)
        reject(new ConnectError('resolve', `cannot resolve ${JSON.stringify(host)}: ${why}`, { cause }))
      }
      try {
        const returned: unknown = this.#lookup(host, { all: true }, (error, address, family) => {
          if (error !== null && error !== undefined) return failed(error)
          const answer = toAnswer(address, family)
          if (answer.addresses.length === 0) return failed(new Error('no address'))
          resolve(answer)
        })
        // An async function answers by its callback too, and fails by rejecting.
        if (returned instanceof Promise) returned.catch(failed)
      } catch (error) {
        failed(error)
      }
    })
    const usedMs = Math.min(ttlMs, this.#ttlMs)
    const expiresAt = this.#clock.now() + usedMs
    const resolution = { addresses, expiresAt, staleUntil: expiresAt + MAX_STALE_MS }
    if (usedMs > 0) this.#keep(host, resolution)
    return resolution
  }

  #keep(host: string, known: Known): void {
    this.#answers?.set(host, known, { ttl: Math.max(1, known.staleUntil - this.#clock.now()) })
  }
}

function isTemporary(error: unknown): boolean {
  return error instanceof ConnectError && TEMPORARY.has((error.cause as NodeJS.ErrnoException | undefined)?.code)
}

/**
 * The system's, loaded when it is asked first. RFC 6761 §6.3: names that end in `.localhost` lead to loopback addresses, which systems know of
 * `localhost` alone.
 */
const systemLookup: LookupFunction = (host, options, callback) => {
  const { lookup } = process.getBuiltinModule('node:dns')
  ;(lookup as LookupFunction)(isLocalhost(host) ? 'localhost' : host, options, callback)
}

function isLocalhost(host: string): boolean {
  return host.endsWith('.localhost') || host.endsWith('.localhost.')
}

interface DnsAnswer {
  readonly addresses: readonly Address[]
  /** The smallest that was told; without one, no limit. */
  readonly ttlMs: number
}

/**
 * A `lookup` may answer with a list or, if it does not know `all`, with one address. An entry that is not an address is left out. An entry may have
 * a `ttl` in seconds, as those of `dns.resolve4` with `ttl: true` do.
 */
function toAnswer(answer: unknown, family: number | undefined): DnsAnswer {
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
