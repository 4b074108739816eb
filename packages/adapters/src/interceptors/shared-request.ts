/** One request for several callers: each may leave, and the request ends with the last of them. */

import { type HttpResponse, type InterceptedRequest, type Next, TimeoutError, UnshardError } from '@unshard/core'
import { watchEnd } from '@unshard/core/internal'
import { abortWith, whileOpen } from './waiting.js'

/** Makes a copy of the shared response. */
type Copy = () => HttpResponse

export class SharedRequest {
  readonly #maxBytes: number
  /** Called when no further caller can join. */
  readonly #onClosed: () => void
  readonly #controller = new AbortController()
  /** Number of callers that have not left. */
  #callers = 0
  /** Whether a second caller has ever joined. */
  #isShared = false
  #isClosed = false
  readonly #result: Promise<Copy | undefined>
  #resolve!: (copy: Copy | undefined) => void
  #reject!: (error: unknown) => void

  constructor(maxBytes: number, onClosed: () => void) {
    this.#maxBytes = maxBytes
    this.#onClosed = onClosed
    this.#result = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#result.catch(() => undefined)
  }

  /** Sends the request of the first caller. */
  async send(request: InterceptedRequest, next: Next): Promise<HttpResponse> {
    this.#add(request)
    try {
      const response = await next(request.with({ signal: this.#controller.signal }))
      if (this.#isShared && this.#fits(response)) return await this.#share(request, response)
      return this.#alone(request, response)
    } catch (error) {
      this.#close()
      if (isOwn(error)) this.#resolve(undefined)
      else this.#reject(error)
      throw error
    }
  }

  /** Resolves with the caller's copy of the response; `undefined` if it cannot be shared. */
  async join(request: InterceptedRequest): Promise<HttpResponse | undefined> {
    this.#isShared = true
    this.#add(request)
    return (await whileOpen(request, this.#result))?.()
  }

  #add(request: InterceptedRequest): void {
    this.#callers++
    const unwatch = watchEnd(request, {
      abort: (reason) => {
        if (--this.#callers > 0) return
        this.#close()
        this.#controller.abort(reason)
      },
    })
    this.#result.catch(() => undefined).finally(unwatch)
  }

  #close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#onClosed()
  }

  #fits({ headers }: HttpResponse): boolean {
    // A stream of events has no end.
    const isEndless = headers.get('content-type')?.toLowerCase().startsWith('text/event-stream') === true
    return !isEndless && Number(headers.get('content-length') ?? 0) <= this.#maxBytes
  }

  /** Returns the response to the first caller as it arrives. */
  #alone(request: InterceptedRequest, response: HttpResponse): HttpResponse {
    this.#close()
    this.#resolve(undefined)
    abortWith(request, response, this.#controller)
    return response
  }

  /** Reads the content, and returns a copy for the first caller. */
  async #share(request: InterceptedRequest, response: HttpResponse): Promise<HttpResponse> {
    const content = response.body
    const parts: Uint8Array[] = []
    let bytes = 0
    for (let part = await content.next(); part.done !== true; part = await content.next()) {
      parts.push(part.value)
      bytes += part.value.length
      if (bytes > this.#maxBytes) return this.#alone(request, response.with({ body: joined(parts, content) }))
    }
    this.#close()
    const body = Buffer.concat(parts)
    const copy: Copy = () => response.with({ body, ...(response.trailers !== undefined && { trailers: response.trailers }) })
    this.#resolve(copy)
    return copy()
  }
}

/** Whether an error concerns the first caller alone: its deadline for the whole request, or an interceptor that it had left. */
function isOwn(error: unknown): boolean {
  if (error instanceof TimeoutError) return error.phase === 'total'
  return error instanceof UnshardError && error.code === 'ERR_INTERCEPTOR'
}

/** The parts that were read, and the rest. Not a generator: that could not be left while it waits for the next part. */
function joined(parts: Uint8Array[], rest: AsyncIterableIterator<Uint8Array>): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]: () => ({
      next() {
        const value = parts.shift()
        return value === undefined ? rest.next() : Promise.resolve({ done: false, value })
      },
      return: () => rest.return!(),
    }),
  }
}
