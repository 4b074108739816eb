/**
 * The content of a response, between the engine that receives it and whoever reads it. Parts wait here until a reader takes them;
 * taking is what gives flow-control credit back, so an unread body costs at most one window of memory.
 */

import { UsageError } from '../errors/errors.js'
import { copyOut, keepSmall, SMALL_BYTES } from './memory/copies.js'
import { Assembly } from './memory/preallocated-body.js'
import { SmallParts } from './memory/small-parts.js'

/** The engine's side of a body. */
export interface BodySource {
  /** The reader took bytes. */
  consumed(bytes: number): void
  /** The reader wants no more of it. */
  cancel(reason: unknown): void
}

/** Wants the whole content, and what is made of it. */
interface Collector {
  finish(parts: Uint8Array[]): unknown
  resolve(made: unknown): void
  reject(reason: unknown): void
}

interface PendingRead {
  resolve(result: IteratorResult<Uint8Array>): void
  reject(reason: unknown): void
}

/** Places in the list that were read, at most. */
const MOST_READ = 256
const EMPTY = new Uint8Array(0)
/** Shared, and never pushed to. */
const NONE: Uint8Array[] = []
const DONE: IteratorResult<Uint8Array> = { done: true, value: undefined }

/** One response's content. The engine calls `push`, `end` and `fail`; a reader calls the rest. */
export class ResponseBody {
  readonly #source: BodySource
  /** What is to come in one piece; -1 where nobody knows, or it is read in parts. */
  #expectedBytes: number
  #parts: Uint8Array[] = NONE
  /** The first of them that was not read: taking it out of a long list would move all others. */
  #next = 0
  #state: 'open' | 'ended' | 'failed' = 'open'
  #error: unknown
  /** Readers of the next parts, in turn: one at a time, unless somebody asks ahead. */
  #pendingReads: PendingRead[] | undefined
  /** Set while the whole content is being collected: parts are taken as they come. */
  #collector: Collector | undefined
  #assembly: Assembly | undefined
  #smallParts: SmallParts | undefined
  #used = false
  /** Called when it breaks off while nothing that has arrived waits to be read: for a reader that is not asking just then. */
  onBroken: ((error: unknown) => void) | undefined
  /** Bytes received so far: deadlines look at it to see progress. */
  received = 0
  /** Bytes that wait for the reader. */
  buffered = 0

  /** @param expectedBytes what content-length announced, and the engine holds the peer to; -1 where it says nothing. */
  constructor(source: BodySource, expectedBytes = -1) {
    this.#source = source
    this.#expectedBytes = expectedBytes
  }

  /** Whether somebody has begun to read. */
  get used(): boolean {
    return this.#used
  }

  /** Whether all of it has arrived. */
  get complete(): boolean {
    return this.#state === 'ended'
  }

  /** Marks the content as taken by one reader. @throws UsageError `ERR_BODY_USED` the second time. */
  claim(): void {
    if (this.#used) throw new UsageError('ERR_BODY_USED', 'the body of the response was read before')
    this.#used = true
  }

  /** A part has arrived: `bytes` from `start` to `end`, in memory that is only lent. */
  push(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    const length = end - start
    this.received += length
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
    this.#assemble()
    this.#source.consumed(length)
  }

  /** All of it has arrived. */
  end(): void {
    if (this.#state !== 'open') return
    this.#state = 'ended'
    this.#settle()
  }

  /** It breaks off. Parts that have arrived are still read before the error. */
  fail(error: unknown): void {
    if (this.#state !== 'open') return
    this.#state = 'failed'
    this.#error = error
    if (this.#assembly !== undefined) this.#drop()
    this.#settle()
    if (this.#parts.length === 0) this.onBroken?.(error)
  }

  /** It is wanted no more: parts are dropped, and who reads now or later gets the error. */
  discard(error: unknown): void {
    this.#drop()
    this.buffered = 0
    if (this.#state === 'ended') this.#state = 'open'
    this.fail(error)
  }

  /** The next part. Parts are consumed as they are returned. */
  next(): Promise<IteratorResult<Uint8Array>> {
    const here = this.takeNext()
    if (here !== undefined) return Promise.resolve(here)
    if (this.#state === 'failed') return Promise.reject(this.#error)
    return new Promise((resolve, reject) => {
      this.#pendingReads ??= []
      this.#pendingReads.push({ resolve, reject })
    })
  }

  /** The next part, or the end, where it has arrived. */
  takeNext(): IteratorResult<Uint8Array> | undefined {
    this.#expectedBytes = -1
    const part = this.#shift()
    if (part === undefined) return this.#state === 'ended' ? DONE : undefined
    this.buffered -= part.length
    this.#source.consumed(part.length)
    return { done: false, value: part.length < SMALL_BYTES ? copyOut(part, 0, part.length) : part }
  }

  /** The reader leaves. What is still to come is not wanted. */
  cancel(reason: unknown): void {
    if (this.#state === 'open') this.#source.cancel(reason)
    this.#drop()
    this.buffered = 0
  }

  /**
   * What `finish` makes of everything, the moment it is there: of parts that it decodes or joins, and does not hand out. No promise holds
   * the parts: one that was waited for is old when it is settled, and keeps what it was settled with until a major collection.
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

  /** An iterator over the parts; leaving the loop cancels the rest. */
  iterate(): AsyncIterableIterator<Uint8Array> {
    return {
      next: () => this.next(),
      return: () => {
        this.cancel(new UsageError('ERR_BODY_CANCELLED', 'the reader left before the end of the body'))
        return Promise.resolve(DONE)
      },
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }

  /** What is there, taken at once: to be decoded or joined. Of a complete body: everything, and no credit is due any more. */
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
    // A list of one, made as such: pushing to an empty list reserves room for seventeen.
    if (this.#parts.length === 0) this.#parts = [small ? keepSmall(bytes, start, end) : copyOut(bytes, start, end)]
    else if (small) this.#gather(bytes, start, end)
    else this.#parts.push(copyOut(bytes, start, end))
  }

  /** From here on in one piece, if enough has come. */
  #assemble(): void {
    if (this.#assembly !== undefined || !Assembly.due(this.#expectedBytes, this.received)) return
    const assembly = Assembly.begin(this.#expectedBytes)
    // Once.
    this.#expectedBytes = -1
    if (assembly === undefined) return
    for (const part of this.#parts) assembly.append(part, 0, part.length)
    this.#drop()
    this.#assembly = assembly
  }

  #shift(): Uint8Array | undefined {
    const part = this.#parts[this.#next]
    if (part === undefined) return undefined
    // Let go of: the list may keep its place for a while.
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
