/**
 * The content of a response, read once: whole and directly from the client where possible, or
 * through a byte stream that is created on demand and is then the only way to read it.
 */

import { abortReason, isDisturbed } from '@unshard/core/internal'
import type { Answer } from './answer.js'
import { decode, decodeAtOnce, parseCodings } from './decode.js'
import { toBodyError } from './errors.js'
import { discardWhenForgotten, remembered } from './forgotten.js'
import type { Progress } from './init.js'
import { withDownloadProgress } from './progress.js'

/** How to read the content. */
export interface ContentOptions {
  /** Aborting it after the response has arrived also ends the reading. */
  readonly signal: AbortSignal | undefined
  /** Maximum number of decoded bytes; `undefined` for the default. */
  readonly maxDecodedBytes: number | undefined
  readonly onDownloadProgress: ((progress: Progress) => void) | undefined
  /** The content codings of `content-encoding` are already removed. */
  readonly isDecoded?: boolean
}

/** Maximum number of bytes held in memory as a whole: the largest string of V8. */
const DEFAULT_MAX_DECODED_BYTES = 536_870_912
/** Compressed content up to this many bytes is decoded synchronously. */
const SHORT_BYTES = 65_536

/** Reads the content of one response. */
export class ResponseContent {
  readonly #answer: Answer
  readonly #options: ContentOptions
  #stream: ReadableStream<Uint8Array> | undefined
  #controller: ReadableByteStreamController | undefined
  #iterator: AsyncIterator<Uint8Array> | undefined
  #used = false
  #watched = false

  /** @param stream set if the content is one half of a clone. */
  constructor(answer: Answer, options: ContentOptions, stream?: ReadableStream<Uint8Array>) {
    this.#answer = answer
    this.#options = options
    this.#stream = stream
  }

  /** Reading has begun. */
  get used(): boolean {
    return this.#used || (this.#stream !== undefined && isDisturbed(this.#stream))
  }

  /** No further reader is accepted. */
  get taken(): boolean {
    return this.used || this.#stream?.locked === true
  }

  /** The content as a stream; locked if the content was taken as a whole. */
  get stream(): ReadableStream<Uint8Array> {
    this.#stream ??= this.#used ? lockedStream() : this.#makeStream()
    return this.#stream
  }

  text(): Promise<string> {
    if (this.#isPlain) {
      this.#remember()
      this.#used = true
      return this.#unlessAborted(this.#answer.text().catch(terminate))
    }
    return this.#unlessAborted(this.#whole().then(decodeText))
  }

  /** Reads the content into memory that nothing else refers to. */
  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#isPlain) {
      this.#remember()
      this.#used = true
      return this.#unlessAborted(this.#answer.bytes().catch(terminate) as Promise<Uint8Array<ArrayBuffer>>)
    }
    return this.#unlessAborted(this.#whole().then(owned))
  }

  /** Ends the response when this object is garbage collected before reading has begun. */
  watch(): void {
    this.#watched = true
    discardWhenForgotten(this, this.#answer)
  }

  /**
   * Errors the stream, even while it has no reader (Fetch standard §4.1, "abort": the stream is
   * errored).
   */
  break(error: unknown): void {
    this.#remember()
    this.#answer.discard(error)
    this.#controller?.error(toBodyError(error))
    // A decoder that is not waiting for the source would stay until it is garbage collected.
    this.#iterator?.return?.().catch(() => undefined)
  }

  /** Splits the content into two readers. */
  tee(): ResponseContent {
    const [remaining, copy] = this.stream.tee()
    this.#stream = remaining
    return new ResponseContent(this.#answer, this.#options, copy)
  }

  /**
   * Whether the content can be taken directly from the client: not encoded, and no stream was
   * created.
   */
  get #isPlain(): boolean {
    const { signal, onDownloadProgress, isDecoded } = this.#options
    return (
      this.#stream === undefined &&
      !this.#used &&
      onDownloadProgress === undefined &&
      signal?.aborted !== true &&
      (isDecoded === true || !this.#answer.headers.has('content-encoding'))
    )
  }

  async #whole(): Promise<Uint8Array> {
    if (this.taken) throw new TypeError('body is already used or locked')
    const stream = this.#stream
    this.#remember()
    this.#used = true
    if (stream !== undefined) return joined(readerParts(stream))
    this.#refuseAborted()
    try {
      return await this.#decodedWhole()
    } catch (error) {
      // The content arrived, but its codings could not be removed.
      this.#answer.discard(error)
      throw toBodyError(error)
    }
  }

  async #decodedWhole(): Promise<Uint8Array> {
    const { headers } = this.#answer
    const codings = this.#codings()
    const limit = this.#options.maxDecodedBytes ?? DEFAULT_MAX_DECODED_BYTES
    const length = Number(headers.get('content-length') ?? Number.NaN)
    if (length > SHORT_BYTES || Number.isNaN(length) || codings.length === 0) return joined(this.#parts(limit))
    const raw = await joined(this.#rawParts())
    return decodeAtOnce(raw, codings, limit) ?? (await joined(decode(once(raw), codings, limit)))
  }

  #makeStream(): ReadableStream<Uint8Array> {
    // No prototype: properties added to Object.prototype must not become part of the source.
    const source = Object.assign(Object.create(null), {
      type: 'bytes',
      start: (controller: ReadableByteStreamController) => {
        this.#controller = controller
        tellWeakly(this.#answer, new WeakRef(this))
      },
      pull: (controller: ReadableByteStreamController) => {
        try {
          this.#refuseAborted()
          this.#iterator ??= this.#begin()
        } catch (error) {
          return this.break(error)
        }
        return pullPart(this.#iterator, controller, this.#codings().length > 0).catch((error: unknown) => this.break(error))
      },
      cancel: async (reason: unknown) => {
        this.#remember()
        // Discard first: a decoder that waits for the next part is ended only this way.
        this.#answer.discard(reason)
        await this.#iterator?.return?.()
      },
    })
    const strategy = Object.assign(Object.create(null), { highWaterMark: 0 })
    return new ReadableStream(source, strategy) as unknown as ReadableStream<Uint8Array>
  }

  #remember(): void {
    if (!this.#watched) return
    this.#watched = false
    remembered(this)
  }

  /**
   * Starts reading. From now on a reader waits for the end, so the response may keep a reference to
   * it.
   */
  #begin(): AsyncIterator<Uint8Array> {
    this.#remember()
    const parts = this.#parts(this.#options.maxDecodedBytes ?? Number.POSITIVE_INFINITY)
    this.#answer.onBroken((error) => this.break(error))
    return parts
  }

  /** @throws ResponseError for unsupported codings. */
  #parts(limit: number): AsyncIterableIterator<Uint8Array> {
    const codings = this.#codings()
    const raw = this.#rawParts()
    return codings.length === 0 ? raw : decode(raw, codings, limit)
  }

  #codings(): string[] {
    return this.#options.isDecoded === true ? [] : parseCodings(this.#answer.headers.get('content-encoding'))
  }

  #rawParts(): AsyncIterableIterator<Uint8Array> {
    const { body, headers } = this.#answer
    const report = this.#options.onDownloadProgress
    if (report === undefined) return body
    const length = headers.get('content-length')
    return withDownloadProgress(body, length === undefined ? undefined : Number(length), report)
  }

  /**
   * Withholds content that has arrived if the caller aborts in the same turn. Free without a
   * signal.
   */
  #unlessAborted<Content>(content: Promise<Content>): Promise<Content> {
    const { signal } = this.#options
    if (signal === undefined) return content
    return content.then((value) => {
      if (signal.aborted) throw abortReason(signal)
      return value
    })
  }

  /** Fetch standard §4.1 step "abort": unread content that has arrived is dropped as well. */
  #refuseAborted(): void {
    const { signal } = this.#options
    if (signal?.aborted === true) throw abortReason(signal)
  }
}

function terminate(error: unknown): never {
  throw toBodyError(error)
}

/**
 * Passes the next part to the stream. Skips empty parts, which would leave the stream waiting
 * forever.
 */
function pullPart(
  iterator: AsyncIterator<Uint8Array>,
  controller: ReadableByteStreamController,
  decoded: boolean,
): Promise<void> {
  return iterator.next().then(({ done, value }) => {
    if (done === true) return finish(controller)
    if (value.length === 0) return pullPart(iterator, controller, decoded)
    // The stream transfers the buffer, and its reader may change it. A decoder writes its next part
    // into the same buffer, so copy decoded parts.
    controller.enqueue(decoded ? new Uint8Array(value) : value)
  })
}

/** A response must not keep its own unread stream alive: see `forgotten.ts`. */
function tellWeakly(answer: Answer, content: WeakRef<ResponseContent>): void {
  answer.onBroken((error) => content.deref()?.break(error))
}

function finish(controller: ReadableByteStreamController): void {
  controller.close()
  controller.byobRequest?.respond(0)
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

async function* readerParts(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  // Never released: a later reader finds the stream locked (Fetch standard §5.3).
  const reader = stream.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    if (!(value instanceof Uint8Array)) throw new TypeError('the body yielded a value that is not a Uint8Array')
    yield value
  }
}

async function joined(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of source) parts.push(part)
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}

/** Copies the bytes unless nothing else is in their buffer. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = bytes.byteLength === bytes.buffer.byteLength && !(bytes instanceof Buffer)
  return (whole ? bytes : new Uint8Array(bytes)) as Uint8Array<ArrayBuffer>
}

const decoder = new TextDecoder()

function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes)
}

function lockedStream(): ReadableStream<Uint8Array> {
  const stream = new ReadableStream<Uint8Array>()
  stream.getReader()
  return stream as unknown as ReadableStream<Uint8Array>
}
