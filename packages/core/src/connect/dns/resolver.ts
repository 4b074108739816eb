/**
 * Resolves host names: one lookup per name at a time, answers cached for a short time, and for an
 * hour while the resolver fails.
 */

import { isIP, type LookupFunction } from 'node:net'
import { ConnectError, TimeoutError, textOf } from '../../errors/errors.js'
import { BoundedCache } from '../../runtime/bounded-cache.js'
import type { Clock, ClockTimer } from '../../runtime/clock.js'
import { startDeadline } from '../../runtime/deadlines.js'
import type { Address } from '../../transport/route.js'

/** Maximum number of names remembered. */
const MAX_NAMES = 16_384
/** How long an expired answer is used while the resolver fails (RFC 8767 §4), in milliseconds. */
export const MAX_STALE_MS = 3_600_000
/**
 * How long a request waits for the resolver while there is an expired answer, in milliseconds: the
 * client response timer of RFC 8767 §5.
 */
const STALE_AFTER_MS = 1_800
/**
 * How long an expired answer is used before the resolver is asked again, in milliseconds: the
 * failure recheck timer of RFC 8767 §5.
 */
const RECHECK_MS = 30_000

/**
 * Codes that indicate a failure of the resolver, not of the name: those of getaddrinfo(3), and the
 * c-ares ones of `dns.resolve`. Any other error is final: the error of a user-supplied `lookup`
 * that refuses an address must hold.
 */
const TEMPORARY: ReadonlySet<unknown> = new Set([
  ...['EAI_AGAIN', 'EAI_FAIL', 'EAI_SYSTEM', 'EAI_MEMORY'],
  ...['ESERVFAIL', 'ETIMEOUT', 'ECONNREFUSED', 'EREFUSED', 'ECANCELLED', 'ENOTIMP', 'EFORMERR', 'EBADRESP', 'ETIMEDOUT'],
])

/** The addresses of a name. */
export interface Resolution {
  /** In the order in which they are tried. */
  readonly addresses: readonly Address[]
  /** When the answer expires, in milliseconds of the client's clock. */
  readonly expiresAt: number
}

/** A cached answer, which may have expired. */
interface Known extends Resolution {
  /** How long it may be used if the resolver fails. */
  readonly staleUntil: number
  /** In use because the resolver failed. */
  readonly outage?: boolean
}

/** The resolver of one client. */
export class Resolver {
  readonly #lookup: LookupFunction
  readonly #answers: BoundedCache<Known>
  readonly #asked = new Map<string, Promise<Resolution>>()
  readonly #clock: Clock
  readonly #ttlMs: number
  readonly #timeoutMs: number

  /**
   * @param ttlMs maximum lifetime of an answer; shorter if `lookup` returns a TTL. With 0, and for an answer with a TTL of 0, every request
   *   looks up the name, and the last answer is used only if the resolver fails.
   * @param timeoutMs how long requests share one pending lookup, before another is started. 0 is
   *   forever.
   */
  constructor(lookup: LookupFunction | undefined, ttlMs: number, clock: Clock, timeoutMs = 0) {
    this.#clock = clock
    this.#ttlMs = ttlMs
    this.#timeoutMs = timeoutMs
    this.#lookup = lookup ?? systemLookup
    this.#answers = new BoundedCache({ max: MAX_NAMES, ttl: ttlMs + MAX_STALE_MS, ttlResolution: 0, perf: clock })
  }

  /**
   * Returns the addresses of `host`, in the order in which they are tried; an IP address resolves
   * to itself. If the resolver fails or is slow, an expired answer is used for at most an hour,
   * while lookups continue in the background.
   * @throws ConnectError phase `resolve`. Deadlines are up to the caller.
   */
  resolve(host: string): Promise<Resolution> | Resolution {
    const family = isIP(host)
    if (family !== 0) return { addresses: [{ address: host, family: family as 4 | 6 }], expiresAt: Number.POSITIVE_INFINITY }
    const known = this.#answers.get(host)
    const now = this.#clock.now()
    if (known !== undefined && now < known.expiresAt) return known
    const asked = this.#question(host)
    if (known === undefined || now >= known.staleUntil) return asked
    const answer = this.#orStale(host, asked, known)
    if (known.outage !== true) return answer
    // The resolver is known to fail: no request waits for it, and the next one uses its result.
    answer.catch(() => undefined)
    return { ...known, expiresAt: now + STALE_AFTER_MS }
  }

  /** Whether {@link resolve} asks nothing: the host is an address, or the last answer is still valid. */
  isKnown(host: string): boolean {
    return isIP(host) !== 0 || (this.#answers.get(host)?.expiresAt ?? Number.NEGATIVE_INFINITY) > this.#clock.now()
  }

  /**
   * Makes the next request look up the name again. The old answer is used only if the resolver
   * fails.
   */
  forget(host: string): void {
    const known = this.#answers.get(host)
    if (known !== undefined) this.#keep(host, { ...known, expiresAt: this.#clock.now() })
  }

  /** Starts a lookup, or joins the pending one unless it has taken too long. */
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
          // However late: a name that the resolver refused must not be served from the cache.
          if (!isTemporary(error)) this.#answers.delete(host)
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
    // An answer that is too late for this request is cached for the next.
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
    // A fresh answer may have arrived in the meantime.
    const current = this.#answers.get(host)
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
          if (answer.addresses.length === 0) return failed(new Error('the lookup returned no address'))
          resolve(answer)
        })
        // An async function may reject instead of calling its callback.
        if (returned instanceof Promise) returned.catch(failed)
      } catch (error) {
        failed(error)
      }
    })
    const usedMs = Math.min(ttlMs, this.#ttlMs)
    const expiresAt = this.#clock.now() + usedMs
    const resolution = { addresses, expiresAt, staleUntil: expiresAt + MAX_STALE_MS }
    this.#keep(host, resolution)
    return resolution
  }

  #keep(host: string, known: Known): void {
    this.#answers.set(host, known, { ttl: Math.max(1, known.staleUntil - this.#clock.now()) })
  }
}

function isTemporary(error: unknown): boolean {
  return error instanceof ConnectError && TEMPORARY.has((error.cause as NodeJS.ErrnoException | undefined)?.code)
}

/**
 * The lookup of the system, loaded on first use. RFC 6761 §6.3: names ending in `.localhost` are
 * loopback names, but many systems only know `localhost`.
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
  /** The smallest TTL; Infinity without one. */
  readonly ttlMs: number
}

/**
 * Parses the result of a `lookup`: a list, or one address if it ignores `all`. Entries that are not
 * IP addresses are skipped. An entry may have a `ttl` in seconds, as from `dns.resolve4` with `ttl:
 * true`.
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

/** Adds the origin to an error: one lookup may serve requests for several origins. */
export function withOrigin(error: unknown, origin: string): unknown {
  if (error instanceof TimeoutError) return new TimeoutError(error.phase, error.ms, { origin, processed: 'no' })
  if (error instanceof ConnectError && error.origin !== origin)
    return new ConnectError(error.phase, textOf(error), { origin, cause: error.cause })
  return error
}
