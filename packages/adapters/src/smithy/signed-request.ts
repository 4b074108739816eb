/** One request of a Smithy client, from `handle()` to the end of its response, with its deadlines and signals. */

import { type Client, type Clock, type ClockTimer, type HttpResponse, type RequestOptions, TimeoutError } from '@unshard/core'
import { type Abortable, AbortHandle, fieldList, linkAbort, unlinkAbort } from '@unshard/core/internal'
import type { SmithyAbortSignal, SmithyResponse } from './contract.js'
import { abortError, toHandlerError } from './errors.js'
import type { ConvertedRequest } from './request-options.js'
import { ResponseContent } from './response-content.js'

/** Limits of one request. */
export interface RequestLimits {
  readonly timeouts: RequestOptions['timeouts'] | undefined
  readonly abortSignal: AbortSignal | SmithyAbortSignal | undefined
  /** Aborted when the handler is destroyed. */
  readonly destroyed: AbortSignal
  /** Time from now to the fields of the response, in milliseconds; 0 for none. */
  readonly requestTimeout: number
  readonly clock: Clock
  /** Called instead of ending the request, if `requestTimeout` only warns. */
  readonly onSlow: (() => void) | undefined
}

/** A request in flight. */
export class SignedRequest implements Abortable {
  readonly #limits: RequestLimits
  readonly #handle = new AbortHandle()
  #timer: ClockTimer | undefined
  aborters: Abortable['aborters']

  constructor(limits: RequestLimits) {
    this.#limits = limits
  }

  /** Sends the request. Rejects with errors that a Smithy client understands. */
  async send(client: Client, { method, url, headers, body, http2Only }: ConvertedRequest): Promise<SmithyResponse> {
    this.#link()
    // The SDK retries and follows redirects by its own rules, and counts its attempts. A request that the server has certainly not processed
    // is still replayed.
    const options: RequestOptions = {
      ...{ method, url, headers, body, replay: 0, retry: false, redirect: 'manual', keepDotSegments: true, http2Only },
      signal: this.#handle.signal,
      ...(this.#limits.timeouts === undefined ? undefined : { timeouts: this.#limits.timeouts }),
    }
    try {
      const response = await client.request(options)
      this.#timer?.cancel()
      response.onOver(() => this.#unlink())
      return toSmithyResponse(response, (reason) => this.#errorOf(reason))
    } catch (error) {
      this.#timer?.cancel()
      this.#unlink()
      throw this.#errorOf(error)
    }
  }

  /** Ends the request: a signal was aborted. */
  abort(reason: unknown): void {
    this.#handle.abort(reason)
  }

  #link(): void {
    const { abortSignal, destroyed, requestTimeout, clock } = this.#limits
    linkAbort(destroyed, this)
    if (isSignal(abortSignal)) linkAbort(abortSignal, this)
    else if (abortSignal !== undefined) abortSignal.onabort = () => this.abort(abortError(undefined))
    if (requestTimeout > 0) this.#timer = clock.startTimer(requestTimeout, () => this.#exceeded(requestTimeout))
  }

  #unlink(): void {
    const { abortSignal, destroyed } = this.#limits
    unlinkAbort(destroyed, this)
    if (isSignal(abortSignal)) unlinkAbort(abortSignal, this)
  }

  #exceeded(ms: number): void {
    const { onSlow } = this.#limits
    if (onSlow !== undefined) onSlow()
    else this.abort(new TimeoutError('headers', ms))
  }

  #errorOf(reason: unknown): unknown {
    const { abortSignal } = this.#limits
    return abortSignal?.aborted === true ? abortError(reason) : toHandlerError(reason)
  }
}

/** Whether a signal has listeners: that of `@smithy/abort-controller` has none. */
export function isSignal(signal: AbortSignal | SmithyAbortSignal | undefined): signal is AbortSignal {
  return typeof (signal as AbortSignal | undefined)?.addEventListener === 'function'
}

function toSmithyResponse(response: HttpResponse, toError: (reason: unknown) => unknown): SmithyResponse {
  const headers: Record<string, string> = {}
  const list = fieldList(response.headers)
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i]!
    const value = list[i + 1]!
    headers[name] = Object.hasOwn(headers, name) ? `${headers[name]}, ${value}` : value
  }
  return { statusCode: response.status, reason: response.statusText, headers, body: new ResponseContent(response, toError) }
}
