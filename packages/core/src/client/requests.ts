/** The requests of a client or a view: defaults, redirects and interceptors around calls. `call.ts` owns the life of one call. */

import { CallTrace, isCallTraced } from '../diagnostics/call-trace.js'
import { type AddressPolicyOption, resolveAddressPolicy } from '../message/address-policy.js'
import type { Origin } from '../message/origin.js'
import { checkRequest, ownRequest } from '../message/request.js'
import type { Interceptor, RequestOptions, Timeouts } from '../message/request-options.js'
import type { HttpResponse } from '../message/response.js'
import { abortReason, realSignal } from '../runtime/abort.js'
import { inRange } from '../schema/option-checks.js'
import type { PoolTarget } from '../transport/target.js'
import { Call } from './call.js'
import type { CallLimits } from './call-owner.js'
import type { ClientParts } from './client-parts.js'
import { checkInterceptors, Interception, joined } from './interceptors.js'
import { ownTarget } from './method-options.js'
import { maxBodyBytesOf } from './options.js'
import { follow, redirectPolicy } from './redirects.js'
import { mergeDefaults, type RequestDefaults, withDefaults, withFixedLists } from './request-defaults.js'
import { retrying } from './retry.js'
import { resolveRetryPolicy } from './status-retry.js'
import { mergeTimeouts } from './timeouts.js'

/** Without a prototype, which may be polluted. */
const NO_DEFAULTS = { __proto__: null } as unknown as RequestDefaults

/** Sends the requests of one client, or of one view of it. */
export class Requests {
  readonly #parts: ClientParts
  /** Defaults of the requests of a view. */
  readonly #defaults: RequestDefaults | undefined
  /** Without the address policy: a handle has its own. */
  readonly #handleDefaults: RequestDefaults | undefined
  /** Functions around every request; `undefined` without any. */
  readonly #interceptors: readonly Interceptor[] | undefined
  /** Whether every request is retried by default. */
  readonly #retries: boolean

  constructor(
    parts: ClientParts,
    interceptors: readonly Interceptor[] | undefined = parts.options.interceptors,
    defaults?: RequestDefaults,
  ) {
    this.#parts = parts
    this.#interceptors = interceptors
    this.#defaults = defaults
    if (defaults !== undefined) {
      const { addressPolicy: _, ...others } = defaults
      this.#handleDefaults = { __proto__: null, ...others } as RequestDefaults
    }
    this.#retries = parts.options.retry !== undefined
  }

  /** Returns the requests of a view. @param defaults checked. */
  with(defaults: RequestDefaults): Requests {
    const interceptors = joined(this.#interceptors, checkInterceptors(defaults.interceptors))
    return new Requests(this.#parts, interceptors, mergeDefaults(this.#defaults, defaults))
  }

  /** Whether interceptors or the defaults of a view must not be bypassed. */
  get restricts(): boolean {
    const { addressPolicy = 'any' } = this.#defaults ?? NO_DEFAULTS
    return this.#interceptors !== undefined || addressPolicy !== 'any'
  }

  /** Sends a request. @param own the target of a connection handle. */
  send(given: RequestOptions, own: PoolTarget | undefined): Promise<HttpResponse> {
    try {
      const { closed } = this.#parts
      if (closed !== undefined) throw closed
      const defaults = own === undefined ? this.#defaults : this.#handleDefaults
      const options = defaults === undefined ? ownRequest(given) : withDefaults(defaults, ownRequest(given))
      const { interceptors, redirect, retry = this.#retries } = options
      const isPlain = this.#interceptors === undefined && interceptors === undefined && redirect === undefined && retry === false
      return isPlain ? this.#call(options, own) : this.#intercepted(options, own)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** The target of a method of the client for `origin`, with the defaults of a view. @throws UsageError for an invalid policy. */
  targetOf(origin: Origin, isolation: string | undefined, policy?: AddressPolicyOption): PoolTarget {
    const { isolation: own, addressPolicy: base } = this.#defaults ?? NO_DEFAULTS
    const chosen = isolation ?? own
    const addressPolicy = policy ?? base
    return this.#targetOf(origin, {
      __proto__: null,
      url: '',
      ...(chosen === undefined ? {} : { isolation: chosen }),
      ...(addressPolicy === undefined ? {} : { addressPolicy }),
    } as unknown as RequestOptions)
  }

  /** Deadlines of a method of the client: those of the pool, under the defaults of a view. */
  timeoutsOf({ timeouts }: PoolTarget): Required<Timeouts> {
    return mergeTimeouts(timeouts, this.#defaults?.timeouts)
  }

  /** Sends a checked request without interceptors. */
  #call(options: RequestOptions, own: PoolTarget | undefined, onCall?: (call: Call) => void): Promise<HttpResponse> {
    const parts = this.#parts
    const request = checkRequest(options)
    const { signal } = options
    if (isAborted(signal)) throw abortReason(signal)
    const target = own === undefined ? this.#targetOf(request.origin, options) : ownTarget(own, request.origin, options)
    const limits = this.#limitsOf(options, target.timeouts)
    const trace = isCallTraced() ? new CallTrace(parts.diagnostics.identity, request) : undefined
    // A subscriber may have aborted it.
    if (trace !== undefined && isAborted(signal)) throw trace.refused(abortReason(signal))
    const call = new Call(parts, trace?.request ?? request, parts.http1.resolve(target), options, limits, trace)
    parts.metrics.requests++
    onCall?.(call)
    return new Promise((resolve, reject) => call.start(resolve, reject))
  }

  #intercepted(options: RequestOptions, own: PoolTarget | undefined): Promise<HttpResponse> {
    const interceptors = joined(this.#interceptors, checkInterceptors(options.interceptors)) ?? []
    const redirects = redirectPolicy(options)
    if (interceptors.length === 0 && redirects === undefined && this.#retryOf(options) === undefined)
      return this.#call(options, own)
    // Iterables that can be read once are read here.
    const signal = realSignal(options.signal)
    const fixed = { ...withFixedLists(options), signal }
    const { origin, content } = checkRequest(fixed)
    if (signal?.aborted === true) throw abortReason(signal)
    const parts = this.#parts
    const { clock } = parts.deadlines
    const { timeouts } = own ?? parts.targets.poolOf(origin, options.isolation)
    const { total } = mergeTimeouts(timeouts, options.timeouts)
    // One `total` for all attempts.
    const totalSince = options.totalSince ?? clock.now()
    const timed = total === 0 ? fixed : { ...fixed, totalSince }
    const interception = new Interception({
      ...{ interceptors, signal, content, handle: own, origin: origin.serialized },
      innermost: (request) => this.#retryOf(request),
      send: async (changed, onCall) => this.#call(ownRequest(changed), own, onCall),
      onOver: () => parts.deleteInterception(interception),
    })
    parts.interceptions.add(interception)
    if (total > 0) interception.limit(clock, Math.max(0, totalSince + total - clock.now()), total)
    const bound = own?.origin.serialized
    return interception.run(timed, redirects === undefined ? undefined : (hop) => follow(timed, redirects, hop, bound))
  }

  /** The interceptor of the option `retry`. @throws UsageError */
  #retryOf({ retry }: RequestOptions): Interceptor | undefined {
    const { options, deadlines, diagnostics } = this.#parts
    const policy = retry === undefined ? options.retry : resolveRetryPolicy(retry)
    return policy === undefined ? undefined : retrying(policy, deadlines.clock, (event) => diagnostics.retry(event))
  }

  #targetOf(origin: Origin, { isolation, resolvedAddress, addressPolicy, http1Only }: RequestOptions): PoolTarget {
    const { targets } = this.#parts
    const target = resolvedAddress === undefined ? targets.of(origin, isolation) : targets.at(origin, isolation, resolvedAddress)
    const judged =
      addressPolicy === undefined ? target : targets.under(target, resolveAddressPolicy(addressPolicy, 'addressPolicy'))
    return http1Only === true ? targets.http1(judged) : judged
  }

  /** @param base the deadlines of the request's pool. */
  #limitsOf({ timeouts, replay, maxBodyBytes }: RequestOptions, base: Required<Timeouts>): CallLimits {
    const { limits } = this.#parts
    if (timeouts === undefined && replay === undefined && maxBodyBytes === undefined && base === limits.timeouts) return limits
    return {
      timeouts: mergeTimeouts(base, timeouts),
      replay: inRange('replay', replay, limits.replay, 0, 100),
      maxBodyBytes: maxBodyBytesOf(maxBodyBytes) ?? limits.maxBodyBytes,
    }
  }
}

/** A function, because a signal may be aborted between two calls. */
function isAborted(signal: AbortSignal | null | undefined): signal is AbortSignal {
  return signal?.aborted === true
}
