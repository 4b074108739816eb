/**
 * A response as a series of events that the reader requests one by one: beyond a window, nothing is
 * received that was not requested.
 */

import {
  type Client,
  Fields as FieldList,
  type Fields,
  type HttpResponse,
  type Redirect,
  type RequestOptions,
  UsageError,
} from '@unshard/core'
import { REQUEST_MEMBERS } from '@unshard/core/internal'
import { Cancellation } from './cancellation.js'
import { transferOptions } from './options.js'

/** One step of a response, in wire order. */
export type PullEvent =
  | { readonly type: 'informational'; readonly status: number; readonly headers: Fields }
  | { readonly type: 'redirect'; readonly status: number; readonly from: string; readonly to: string; readonly headers: Fields }
  | { readonly type: 'headers'; readonly status: number; readonly headers: Fields; readonly response: HttpResponse }
  | { readonly type: 'data'; readonly data: Uint8Array }
  | { readonly type: 'trailers'; readonly headers: Fields }

/**
 * Return type of {@link pull}: an iterator that can be left at any time, even while a `next()` is
 * pending.
 */
export interface Pull extends AsyncIterableIterator<PullEvent> {
  /**
   * Leaves the iteration: the HTTP stream is reset at once, and pending calls of `next()` resolve
   * as done.
   */
  return(): Promise<IteratorResult<PullEvent>>
  /**
   * Ends the iteration and resolves with the response as a whole: its body is what the iteration has not read yet.
   * Sends the request if no `next()` has.
   * @throws UsageError `ERR_BODY_USED` after the iteration has ended.
   */
  rest(): Promise<HttpResponse>
}

/**
 * Sends a request and returns its response event by event. Nothing is sent before the first
 * `next()`. A slow or stopped reader holds the peer back: over HTTP/2 by flow control, over
 * HTTP/1.1 by the socket. Leaving the loop resets the HTTP/2 stream; over HTTP/1.1 it closes the
 * connection. `trailers` is omitted for a response without trailers, and `redirect` comes before each redirect that
 * `redirect: 'follow'` follows.
 * @param options as for `client.request`, including `body`.
 * @throws UsageError `ERR_UNKNOWN_OPTION`; any other invalid option rejects the first `next()`.
 */
export function pull(client: Client, options: RequestOptions): Pull {
  return new ResponsePull(client, transferOptions(options, REQUEST_MEMBERS, 'pull()'))
}

const DONE: IteratorResult<PullEvent> = { done: true, value: undefined }

class ResponsePull implements Pull {
  readonly #client: Client
  readonly #options: RequestOptions
  #cancellation: Cancellation | undefined
  /** Interim responses and redirects not requested yet: the engines allow sixteen of the former. */
  readonly #interim: PullEvent[] = []
  #response: HttpResponse | undefined
  #parts: AsyncIterator<Uint8Array> | undefined
  #failed: { readonly reason: unknown } | undefined
  #over = false
  #wake: (() => void) | undefined
  /** The last `next()`: calls are answered in order. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(client: Client, options: RequestOptions) {
    this.#client = client
    this.#options = options
  }

  next(): Promise<IteratorResult<PullEvent>> {
    const turn = this.#turn.then(() => this.#step())
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  return(): Promise<IteratorResult<PullEvent>> {
    if (!this.#over) {
      this.#over = true
      this.#cancellation?.cancel(new UsageError('ERR_BODY_CANCELLED', 'the reader stopped before the end of the response'))
      this.#wake?.()
    }
    return Promise.resolve(DONE)
  }

  async rest(): Promise<HttpResponse> {
    const turn = this.#turn.then(() => this.#leaveWithRest())
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async #leaveWithRest(): Promise<HttpResponse> {
    if (this.#over) throw new UsageError('ERR_BODY_USED', 'the iteration over the response has ended')
    await this.#arrival()
    if (this.#over) throw new UsageError('ERR_BODY_USED', 'the iteration over the response has ended')
    this.#over = true
    if (this.#failed !== undefined) throw this.#failed.reason
    const parts = this.#parts
    const response = this.#response!
    return parts === undefined ? response : response.with({ body: { [Symbol.asyncIterator]: () => parts } })
  }

  /** Waits for the response, or for its failure. */
  async #arrival(): Promise<void> {
    if (this.#cancellation === undefined) this.#start()
    while (this.#response === undefined && this.#failed === undefined && !this.#over) await this.#change()
  }

  /** Waits for the next event of the request. */
  #change(): Promise<void> {
    return new Promise<void>((resolve) => {
      this.#wake = resolve
    })
  }

  async #step(): Promise<IteratorResult<PullEvent>> {
    if (this.#over) return DONE
    if (this.#cancellation === undefined) this.#start()
    while (this.#interim.length === 0 && this.#response === undefined && this.#failed === undefined && !this.#over)
      await this.#change()
    if (this.#over) return DONE
    const interim = this.#interim.shift()
    if (interim !== undefined) return { done: false, value: interim }
    if (this.#failed !== undefined) {
      this.#over = true
      throw this.#failed.reason
    }
    return this.#parts === undefined ? { done: false, value: this.#begin(this.#response!) } : this.#content(this.#parts)
  }

  #start(): void {
    const cancellation = new Cancellation(this.#options.signal)
    this.#cancellation = cancellation
    const onInformational = (status: number, fields: readonly string[]): void => {
      this.#options.onInformational?.(status, fields)
      this.#interim.push({ type: 'informational', status, headers: new FieldList(fields) })
      this.#wake?.()
    }
    const { redirect, onRedirect } = this.#options
    const following = redirect === 'follow' ? { onRedirect: (hop: Redirect) => this.#redirected(hop, onRedirect) } : {}
    this.#client.request({ ...this.#options, ...following, onInformational, signal: cancellation.signal }).then(
      (response) => {
        this.#response = response
        this.#wake?.()
      },
      (reason: unknown) => {
        this.#failed = { reason }
        this.#wake?.()
      },
    )
  }

  async #redirected(hop: Redirect, onRedirect: RequestOptions['onRedirect']): Promise<unknown> {
    const wanted = await onRedirect?.(hop)
    if (wanted === false) return false
    const { status, from, to, headers } = hop
    this.#interim.push({ type: 'redirect', status, from, to, headers })
    this.#wake?.()
    return undefined
  }

  #begin(response: HttpResponse): PullEvent {
    this.#parts = response.body
    return { type: 'headers', status: response.status, headers: response.headers, response }
  }

  async #content(parts: AsyncIterator<Uint8Array>): Promise<IteratorResult<PullEvent>> {
    try {
      const { done, value } = await parts.next()
      if (this.#over) return DONE
      if (done !== true) return { done: false, value: { type: 'data', data: value } }
    } catch (error) {
      if (this.#over) return DONE
      this.#over = true
      throw error
    }
    this.#over = true
    const headers = this.#response!.trailers
    return headers === undefined || headers.size === 0 ? DONE : { done: false, value: { type: 'trailers', headers } }
  }
}
