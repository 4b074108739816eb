/**
 * The content of a response, between the engine and the reader. Reading a part returns its
 * flow-control credit, so an unread body costs at most one window of memory.
 */

import { ResponseError, UsageError } from '../errors/errors.js'
import { copyOut, keepSmall, SMALL_BYTES } from './memory/copies.js'
import { PouredBody } from './memory/poured-body.js'
import { PreallocatedBody } from './memory/preallocated-body.js'
import { SmallParts } from './memory/small-parts.js'

/** The engine's side of a body. */
export interface BodySource {
  /** Called when the reader has consumed bytes. */
  consumed(bytes: number): void
  /** Called when the reader wants no more content. */
  cancel(reason: unknown): void
}

/** A pending `collect` call. */
interface Collector {
  finish(parts: Uint8Array[]): unknown
  resolve(made: unknown): void
  reject(reason: unknown): void
}

interface PendingRead {
  resolve(result: IteratorResult<Uint8Array>): void
  reject(reason: unknown): void
}

/** Maximum number of consumed entries kept at the front of the list. */
const MOST_READ = 256
const EMPTY = new Uint8Array(0)
/** Shared empty list; never pushed to. */
const NONE: Uint8Array[] = []
const DONE: IteratorResult<Uint8Array> = { done: true, value: undefined }

/**
 * The content of one response. The engine calls `push`, `end` and `fail`; a reader calls the rest.
 */
export class ResponseBody {
  readonly #source: BodySource
  /**
   * Expected length of content that may be preallocated; -1 if unknown or if it is read in parts.
   */
  #expectedBytes: number
  #parts: Uint8Array[] = NONE
  /** Index of the first unread part: removing read parts one by one would move all others. */
  #next = 0
  #state: 'open' | 'ended' | 'failed' = 'open'
  #error: unknown
  /** Pending reads, in order: at most one, unless the reader reads ahead. */
  #pendingReads: PendingRead[] | undefined
  /** Set while the whole content is being collected: parts are consumed on arrival. */
  #collector: Collector | undefined
  /** Takes the parts, in place of the list. */
  #assembly: PreallocatedBody | PouredBody | undefined
  #smallParts: SmallParts | undefined
  #used = false
  /** Maximum size of a body that is collected. */
  #mostBytes = Number.POSITIVE_INFINITY
  #url = ''
  /**
   * Called when the content fails and no received part is unread: notifies a reader without a
   * pending read.
   */
  onBroken: ((error: unknown) => void) | undefined
  /** Called with each received part, in memory that is valid only during the call. Set before the first one. */
  onPart: ((bytes: Uint8Array) => void) | undefined
  /** Called once, when the content has ended or failed. Set while it is open. */
  onOver: (() => void) | undefined
  /** Bytes received so far; deadlines use it to detect progress. */
  received = 0
  /** Unread bytes. */
  buffered = 0

  /** @param expectedBytes the content-length, which the engine enforces; -1 if absent. */
  constructor(source: BodySource, expectedBytes = -1) {
    this.#source = source
    this.#expectedBytes = expectedBytes
  }

  /** Whether a reader has begun to read. */
  get used(): boolean {
    return this.#used
  }

  /** Whether all content has arrived. */
  get complete(): boolean {
    return this.#state === 'ended'
  }

  /** Why the content failed. */
  get failure(): unknown {
    return this.#error
  }

  /** Whether more content may arrive. */
  get open(): boolean {
    return this.#state === 'open'
  }

  /** Claims the content for one reader. @throws UsageError `ERR_BODY_USED` the second time. */
  claim(): void {
    if (this.#used) throw new UsageError('ERR_BODY_USED', 'the response body has already been read')
    this.#used = true
  }

  /**
   * Adds a received part: `bytes` from `start` to `end`, in memory that is valid only during the
   * call.
   */
  push(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    const length = end - start
    this.received += length
    if (this.onPart !== undefined) this.onPart(bytes.subarray(start, end))
    const pendingRead = this.#pendingReads?.shift()
    if (pendingRead !== undefined) {
      pendingRead.resolve({ done: false, value: copyOut(bytes, start, end) })
      this.#source.consumed(length)
      return
    }
    if (this.#assembly !== undefined) this.#assembly.append(bytes, start, end)
    else this.#keep(bytes, start, end)
    if (this.#collector === undefined) {
      this.buffered += length
      return
    }
    if (this.received > this.#mostBytes) return this.#refuse()
    this.#assemble()
    this.#source.consumed(length)
  }

  /** Ends the content: all of it has arrived. */
  end(): void {
    if (this.#state !== 'open') return
    this.#state = 'ended'
    this.#settle()
  }

  /** Fails the content. Received parts can still be read before the error. */
  fail(error: unknown): void {
    if (this.#state !== 'open') return
    this.#state = 'failed'
    this.#error = error
    if (this.#assembly !== undefined) this.#drop()
    this.#settle()
    if (this.#parts.length === 0) this.onBroken?.(error)
  }

  /** Drops all parts. Current and later readers get the error. */
  discard(error: unknown): void {
    this.#drop()
    this.buffered = 0
    if (this.#state === 'ended') this.#state = 'open'
    this.fail(error)
  }

  /** Returns the next part, and consumes it. */
  next(): Promise<IteratorResult<Uint8Array>> {
    const here = this.takeNext()
    if (here !== undefined) return Promise.resolve(here)
    if (this.#state === 'failed') return Promise.reject(this.#error)
    return new Promise((resolve, reject) => {
      this.#pendingReads ??= []
      this.#pendingReads.push({ resolve, reject })
    })
  }

  /** Returns the next part or the end if it has arrived, else `undefined`. */
  takeNext(): IteratorResult<Uint8Array> | undefined {
    this.#expectedBytes = -1
    const part = this.#shift()
    if (part === undefined) return this.#state === 'ended' ? DONE : undefined
    this.buffered -= part.length
    this.#source.consumed(part.length)
    return { done: false, value: part.length < SMALL_BYTES ? copyOut(part, 0, part.length) : part }
  }

  /** Cancels the content: the reader wants no more. */
  cancel(reason: unknown): void {
    if (this.#state === 'open') this.#source.cancel(reason)
    this.#drop()
    this.buffered = 0
  }

  /**
   * Resolves with `finish` of all parts, called once they have arrived; it must decode or join
   * them. The promise is never settled with the parts: an old-generation promise would retain them
   * until a major garbage collection.
   */
  collect<T>(finish: (parts: Uint8Array[]) => T): Promise<T> {
    if (this.buffered > 0) {
      const { buffered } = this
      this.buffered = 0
      this.#source.consumed(buffered)
    }
    if (this.#state === 'ended') return made(finish, this.take())
    if (this.#state === 'failed') return Promise.reject(this.#error)
    this.#assemble()
    return new Promise<T>((resolve, reject) => {
      this.#collector = { finish, resolve: resolve as (made: unknown) => void, reject }
    })
  }

  /**
   * Passes all parts to `sink` as they arrive, in memory that is valid only during the call. Resolves at the end; rejects with the error of
   * the content, or of `sink`, after which the content is cancelled.
   */
  async pour(sink: (bytes: Uint8Array) => void): Promise<void> {
    this.#expectedBytes = -1
    if (this.#state === 'failed') {
      for (const part of this.take()) sink(part)
      throw this.#error
    }
    const result = this.collect((parts) => {
      for (const part of parts) if (part.length > 0) sink(part)
    })
    if (this.#collector !== undefined) {
      const poured = new PouredBody(sink, (error) => {
        this.cancel(error)
        this.discard(error)
      })
      for (const part of this.take()) poured.append(part, 0, part.length)
      this.#assembly = poured
    }
    return result
  }

  /**
   * Limits the content that {@link collect} reads.
   * @param declared the content-length, or 0.
   */
  limit(mostBytes: number, declared: number, url: string): void {
    this.#mostBytes = mostBytes
    this.#url = url
    if (declared > mostBytes || this.received > mostBytes) this.#refuse()
  }

  #refuse(): void {
    const { origin } = new URL(this.#url)
    const error = new ResponseError(
      'ERR_BODY_TOO_LARGE',
      `the body has more than ${this.#mostBytes} bytes: raise maxBodyBytes, or read it in parts`,
      { origin },
    )
    this.cancel(error)
    this.discard(error)
  }

  /** Iterates over the parts; leaving the loop cancels the rest. */
  iterate(): AsyncIterableIterator<Uint8Array> {
    return {
      next: () => this.next(),
      return: () => {
        this.cancel(new UsageError('ERR_BODY_CANCELLED', 'the reader stopped before the end of the body'))
        return Promise.resolve(DONE)
      },
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }

  /** Takes all received parts, to be decoded or joined. A complete body needs no more credit. */
  take(): Uint8Array[] {
    const assembly = this.#assembly
    if (assembly !== undefined) {
      this.#drop()
      return [assembly.whole]
    }
    const parts = this.#next === 0 ? this.#parts : this.#parts.slice(this.#next)
    this.#drop()
    this.buffered = 0
    return parts
  }

  #keep(bytes: Uint8Array, start: number, end: number): void {
    const small = end - start < SMALL_BYTES
    // Create the list with one element: pushing to an empty list reserves space for 17.
    if (this.#parts.length === 0) this.#parts = [small ? keepSmall(bytes, start, end) : copyOut(bytes, start, end)]
    else if (small) this.#gather(bytes, start, end)
    else this.#parts.push(copyOut(bytes, start, end))
  }

  /** Switches to a preallocated buffer if enough has arrived. */
  #assemble(): void {
    if (this.#assembly !== undefined || !PreallocatedBody.due(this.#expectedBytes, this.received)) return
    const assembly = PreallocatedBody.begin(this.#expectedBytes)
    // Try only once.
    this.#expectedBytes = -1
    if (assembly === undefined) return
    for (const part of this.#parts) assembly.append(part, 0, part.length)
    this.#drop()
    this.#assembly = assembly
  }

  #shift(): Uint8Array | undefined {
    const part = this.#parts[this.#next]
    if (part === undefined) return undefined
    // Release the part: the list may keep the entry for a while.
    this.#parts[this.#next++] = EMPTY
    if (this.#next === this.#parts.length) this.#drop()
    else if (this.#next >= MOST_READ) this.#forgetRead()
    return part
  }

  #forgetRead(): void {
    this.#parts = this.#parts.slice(this.#next)
    this.#next = 0
  }

  #drop(): void {
    this.#parts = NONE
    this.#next = 0
    this.#assembly?.end()
    this.#assembly = undefined
  }

  #gather(bytes: Uint8Array, start: number, end: number): void {
    this.#smallParts ??= new SmallParts()
    this.#smallParts.append(this.#parts, bytes, start, end)
  }

  #finish({ finish, resolve, reject }: Collector): void {
    this.#collector = undefined
    if (this.#state !== 'ended') return reject(this.#error)
    try {
      resolve(finish(this.take()))
    } catch (error) {
      reject(error)
    }
  }

  #settle(): void {
    const { onOver } = this
    this.onOver = undefined
    onOver?.()
    if (this.#collector !== undefined) this.#finish(this.#collector)
    const pendingReads = this.#pendingReads
    if (pendingReads === undefined) return
    this.#pendingReads = undefined
    for (const pendingRead of pendingReads) {
      if (this.#state === 'ended') pendingRead.resolve(DONE)
      else pendingRead.reject(this.#error)
    }
  }
}

function made<T>(finish: (parts: Uint8Array[]) => T, parts: Uint8Array[]): Promise<T> {
  try {
    return Promise.resolve(finish(parts))
  } catch (error) {
    return Promise.reject(error)
  }
}
