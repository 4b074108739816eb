/** One transfer: requests a URL, follows redirects, retries, and passes the content to its sink. */

import { type Client, type HttpResponse, type Interceptor, type RequestOptions, TimeoutError, UnshardError } from '@unshard/core'
import { encodeParts, retryAfterMs } from '@unshard/core/internal'
import { CommandError } from '../errors.js'
import { Deadline, delay, untilAborted } from './deadline.js'
import { Exit, exitCodeOf } from './exit-codes.js'
import { type Hop, Hops, headOf } from './hops.js'
import type { Sink } from './output.js'
import { Pace } from './pace.js'
import { bodyOptions, type UrlRequest } from './request.js'
import type { TransferSettings } from './transfer-settings.js'

/** The outcome of a transfer. */
export interface TransferResult {
  readonly exitCode: number
  /** Message of the failure. */
  readonly message?: string
  readonly hops: readonly Hop[]
  /** Bytes of content that were written. */
  readonly downloaded: number
  readonly uploaded: number
  readonly retries: number
  /** In milliseconds, since the transfer began. */
  readonly totalMs: number
  /** Time at which the last request was sent: later than 0 after redirects and retries. */
  readonly lastStartMs: number
}

/** Receives events of a transfer. */
export interface TransferListener {
  /** @param total bytes of the whole content, if known. */
  onProgress(downloaded: number, total: number | undefined): void
  /** A retry begins after a delay. */
  onRetry(reason: string, delayMs: number, left: number): void
  /** The head of a response, before its content. */
  onHead(head: string): void
}

/** Statuses after which `--retry` sends a request again, as in curl. */
const TRANSIENT: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504])
const LONGEST_RETRY_DELAY_MS = 600_000

/** A status that `--fail` makes an error, or another response that is not what was asked for. */
class UnwantedResponse extends CommandError {
  readonly status: number
  readonly retryAfter: number | undefined

  constructor(message: string, exitCode: number, { status, headers }: HttpResponse) {
    super(message, exitCode)
    this.status = status
    this.retryAfter = retryAfterMs(headers.get('retry-after'))
  }
}

/** Loaded for `--compressed` alone: the adapters take a tenth of the time in which the command starts. */
const codings = (): Promise<typeof import('@unshard/adapters/internal')> => import('@unshard/adapters/internal')
const NO_CODINGS = {
  parseCodings: (): readonly string[] => [],
  decode: (source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> => source,
}
/** Loaded for credentials alone. */
const interceptors = (): Promise<typeof import('@unshard/adapters/interceptors')> => import('@unshard/adapters/interceptors')

/** Transfers one URL. */
export class Transfer {
  readonly #client: Client
  readonly #request: UrlRequest
  readonly #settings: TransferSettings
  readonly #sinkFor: (headers: Hop['headers']) => Sink
  readonly #listener: TransferListener
  readonly #hops: Hops
  #sink: Sink | undefined
  /** Index of the first response of this attempt. */
  #firstHop = 0
  #downloaded = 0
  #uploaded = 0
  #retries = 0
  readonly #begun = performance.now()
  #lastStartMs = 0

  /** @param sinkFor called with the first response that has content to write. */
  constructor(
    client: Client,
    request: UrlRequest,
    settings: TransferSettings,
    sinkFor: (headers: Hop['headers']) => Sink,
    listener: TransferListener,
  ) {
    this.#client = client
    this.#request = request
    this.#settings = settings
    this.#sinkFor = sinkFor
    this.#listener = listener
    this.#hops = new Hops((hop) => {
      this.#lastStartMs = performance.now() - this.#begun - hop.timings.headersMs
    })
  }

  /** Runs the transfer. Never rejects. @param signal ends it, with its reason. */
  async run(signal: AbortSignal): Promise<TransferResult> {
    for (;;) {
      const outcome = await this.#attempt(signal)
      const { error, status, exitCode } = outcome
      if (error === undefined) return this.#result(0, undefined)
      const delayMs = signal.aborted || this.#sink?.restart() === false ? undefined : this.#retryDelay(exitCode, error, status)
      if (delayMs === undefined) return this.#result(exitCode, exitCode === 0 ? undefined : error)
      this.#retries++
      this.#downloaded = 0
      const reason = (error as Error).message
      this.#listener.onRetry(reason, delayMs, this.#settings.retries - this.#retries)
      await delay(delayMs, signal)
    }
  }

  async #attempt(signal: AbortSignal): Promise<{ exitCode: number; error?: unknown; status?: number }> {
    this.#firstHop = this.#hops.list.length
    const deadline = new Deadline(signal, this.#settings.maxTimeMs)
    let response: HttpResponse | undefined
    try {
      response = await this.#send(deadline.signal)
      await this.#receive(response, deadline.signal)
      this.#uploaded += response.sentBytes
      this.#sink?.end(true)
      return { exitCode: 0 }
    } catch (thrown) {
      const error = endError(thrown, deadline.signal)
      const hasResponse = this.#hops.list.length > this.#firstHop
      response?.discard()
      if (this.#sink !== undefined && !(error instanceof UnwantedResponse)) this.#endBroken()
      return {
        exitCode: exitCodeOf(error, hasResponse),
        error,
        ...(error instanceof UnwantedResponse && { status: error.status }),
      }
    } finally {
      deadline.clear()
    }
  }

  /** Keeps what has arrived. */
  #endBroken(): void {
    try {
      this.#sink?.end(false)
    } catch {
      // The first error is the one to report.
    }
  }

  async #send(signal: AbortSignal): Promise<HttpResponse> {
    const { method, url, headers } = this.#request
    const { follows, maxRedirects, resumeFrom, isCompressed } = this.#settings
    const { body, multipart, length } = bodyOptions(this.#request)
    const form = multipart === undefined ? undefined : encodeParts(multipart)
    const type =
      form !== undefined && !headers.some(([name]) => name === 'content-type') ? [['content-type', form.type] as const] : []
    const size = form?.length ?? length
    const options: RequestOptions = {
      ...{ method, url: url.href, signal },
      headers: [
        ...headers,
        ...type,
        ...(size === undefined ? [] : [['content-length', `${size}`] as const]),
        ...(resumeFrom > 0 ? [['range', `bytes=${resumeFrom}-`] as const] : []),
        ...(isCompressed ? [['accept-encoding', (await codings()).ACCEPT_ENCODING] as const] : []),
      ],
      redirect: follows ? 'follow' : 'manual',
      ...{ maxRedirects, interceptors: [...(await this.#credentials()), this.#hops.interceptor] },
      ...((form?.body ?? body) !== undefined && { body: form?.body ?? body! }),
    }
    return this.#client.request(options)
  }

  async #credentials(): Promise<Interceptor[]> {
    const { url, credentials } = this.#request
    const { usesDigest, usesNetrc } = this.#settings
    if (credentials === undefined && !usesNetrc) return []
    const { basicAuth, digestAuth } = await interceptors()
    const origins = [url.origin]
    if (credentials === undefined) return netrcFor(url.origin)
    return [usesDigest ? digestAuth({ origins, ...credentials }) : basicAuth({ origins, ...credentials })]
  }

  async #receive(response: HttpResponse, signal: AbortSignal): Promise<void> {
    const { failsAt, writesErrors, includesHeads, resumeFrom } = this.#settings
    const heads = this.#hops.list.slice(this.#firstHop).map(headOf)
    for (const head of heads) this.#listener.onHead(head)
    const fails = response.status >= failsAt
    const failure = new UnwantedResponse(
      `the server answered with status ${response.status}`,
      fails ? Exit.HTTP_ERROR : 0,
      response,
    )
    if (TRANSIENT.has(response.status) && this.#retryDelay(failure.exitCode, failure, response.status) !== undefined)
      throw failure
    const isOver = resumeFrom > 0 && response.status === 416
    if (fails && !writesErrors && !isOver) throw failure
    // As in curl: the file has everything (RFC 9110 §15.5.17).
    if (isOver) return response.discard()
    if (resumeFrom > 0 && !continues(response, resumeFrom)) {
      throw new UnwantedResponse('the server does not send the rest: the download cannot be continued', Exit.RANGE, response)
    }
    this.#sink ??= this.#sinkFor(this.#hops.last!.headers)
    if (includesHeads) await this.#write(Buffer.from(heads.join(''), 'latin1'), false)
    await this.#pass(response, signal)
    if (fails) throw failure
  }

  /** Passes the content to the sink: a file without a copy, at the pace of the network. */
  async #pass(response: HttpResponse, signal: AbortSignal): Promise<void> {
    const { isCompressed, limitRate, resumeFrom } = this.#settings
    const { parseCodings, decode } = isCompressed ? await codings() : NO_CODINGS
    const coded = parseCodings(response.headers.get('content-encoding'))
    const total = this.#checkSize(response, coded.length > 0)
    const report = (): void => this.#listener.onProgress(resumeFrom + this.#downloaded, total)
    report()
    if (this.#sink!.isImmediate && coded.length === 0 && limitRate === undefined) {
      return response.pour((part) => {
        void this.#write(part, true)
        report()
      })
    }
    const content = coded.length === 0 ? response.body : decode(response.body, coded, Number.POSITIVE_INFINITY)
    const pace = limitRate === undefined ? undefined : new Pace(limitRate)
    for await (const part of content) {
      const written = this.#write(part, true)
      if (written !== undefined) await untilAborted(written, signal)
      report()
      await pace?.after(part.length, signal)
      if (signal.aborted) throw signal.reason
    }
  }

  #write(bytes: Uint8Array, isContent: boolean): Promise<void> | undefined {
    if (isContent) this.#downloaded += bytes.length
    if (this.#downloaded > this.#settings.maxFileBytes) throw this.#tooLarge()
    return this.#sink!.write(bytes)
  }

  /** @returns the whole length, if known. */
  #checkSize({ headers }: HttpResponse, isCoded: boolean): number | undefined {
    const length = headers.get('content-length')
    if (length === undefined || isCoded) return undefined
    if (Number(length) > this.#settings.maxFileBytes) throw this.#tooLarge()
    return Number(length) + this.#settings.resumeFrom
  }

  #tooLarge(): CommandError {
    return new CommandError(`the content has more than ${this.#settings.maxFileBytes} bytes (--max-filesize)`, Exit.TOO_LARGE)
  }

  /** Time until the next attempt; `undefined` without one. */
  #retryDelay(exitCode: number, error: unknown, status: number | undefined): number | undefined {
    const { retries, retriesAll, retriesRefused, retryDelayMs, retryMaxMs } = this.#settings
    if (this.#retries >= retries || exitCode === Exit.WRITE || exitCode === Exit.USAGE) return undefined
    // Standard input can be read once.
    if (this.#request.upload === '-') return undefined
    const isRefused = retriesRefused && error instanceof UnshardError && error.code === 'ECONNREFUSED'
    const isTransient = status === undefined ? error instanceof TimeoutError || isRefused : TRANSIENT.has(status)
    if (!isTransient && !(retriesAll && exitCode !== 0)) return undefined
    const asked = error instanceof UnwantedResponse ? error.retryAfter : undefined
    const delayMs = asked ?? retryDelayMs ?? Math.min(1_000 * 2 ** this.#retries, LONGEST_RETRY_DELAY_MS)
    const elapsed = performance.now() - this.#begun
    return retryMaxMs !== undefined && elapsed + delayMs > retryMaxMs ? undefined : delayMs
  }

  #result(exitCode: number, error: unknown): TransferResult {
    return {
      ...{ exitCode, hops: this.#hops.list, downloaded: this.#downloaded, uploaded: this.#uploaded, retries: this.#retries },
      ...{ totalMs: performance.now() - this.#begun, lastStartMs: Math.max(0, this.#lastStartMs) },
      ...(error !== undefined && { message: (error as Error).message }),
    }
  }
}

/** Credentials of `~/.netrc`; none for a host that it does not have, as in curl. @throws CommandError if it cannot be read. */
async function netrcFor(origin: string): Promise<Interceptor[]> {
  const { netrc } = await interceptors()
  try {
    return [netrc({ origins: [origin] })]
  } catch (error) {
    if (error instanceof UnshardError && error.origin !== undefined) return []
    throw new CommandError(`--netrc: ${(error as Error).message}`, Exit.READ)
  }
}

/** Whether a response has the rest of the content, from an offset (RFC 9110 §15.3.7). */
function continues({ status, headers }: HttpResponse, offset: number): boolean {
  return status === 206 && headers.get('content-range')?.startsWith(`bytes ${offset}-`) === true
}

/** The reason of an abort is the error, whatever it broke. */
function endError(error: unknown, signal: AbortSignal): unknown {
  return signal.aborted ? signal.reason : error
}
