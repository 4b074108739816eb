/**
 * Responses of one HTTP/1.1 connection (RFC 9112): bytes in, heads and content out. llhttp judges heads and chunks; content of a known length
 * never passes through it. Knows no sockets and no requests but for what {@link ResponseParser.headOnly} says.
 */

import { copyOut } from '../message/memory/copies.js'
import { codingOf, type FramingFields, framingFields, UNTIL_CLOSE } from './framing.js'
import { repairHead } from './head-repair.js'
import * as llhttp from './llhttp.js'
import { SectionReader } from './section-reader.js'

/** Why a response cannot be read. */
export interface ResponseFault {
  readonly code: 'ERR_MALFORMED_RESPONSE' | 'ERR_RESPONSE_TOO_LARGE'
  readonly message: string
}

/** Receives what comes. Bytes are lent until the call returns. */
export interface ResponseEvents {
  /** An interim response, whose head took so many bytes. */
  onInterim(status: number, fields: readonly string[], bytes: number): void
  /** The head of a final response. `expectedBytes` is its content-length, -1 where its content is framed in another way or absent. */
  onHead(status: number, fields: readonly string[], reason: string, expectedBytes: number): void
  onContent(bytes: Buffer, start: number, end: number): void
}

/** Room in a head for the rest beside names, values and reason, in bytes: colons, line ends, blanks. */
const HEAD_OVERHEAD_BYTES = 16_384
/** As much of what is read goes to llhttp while a head is parsed: what lies behind it is mostly content. */
const HEAD_BYTES = 4_096
/** Room in chunked content for sizes, extensions and trailers, in bytes: so many, and so many more for each byte of content. */
const CHUNK_OVERHEAD_BYTES = 65_536
const CHUNK_OVERHEAD = 16

const CR = 0x0d
const LF = 0x0a
const SP = 0x20
const HTAB = 0x09
const COMMA = 0x2c
const H = 0x48

const NO_TRAILERS: readonly string[] = []
const framing: FramingFields = { length: -1, coding: undefined, keepAliveMs: -1 }

/** The parser of one connection. After a fault it is of no more use. */
export class ResponseParser implements llhttp.LlhttpEvents {
  readonly #events: ResponseEvents
  readonly #maxBytes: number
  #parser: number
  #executing = false
  #closed = false
  /** The response that comes is one to HEAD. */
  headOnly = false
  /** Why the response cannot be read. */
  fault: ResponseFault | undefined
  /** The final response has arrived. {@link next} before the following one. */
  complete = false
  /** The connection may be used again after it. */
  keepAlive = false
  /** How long the server keeps an idle connection, in milliseconds; -1 where it does not say. */
  keepAliveMs = -1
  #status = 0
  #reason = ''
  readonly #section: SectionReader
  /** Bytes of the head so far, everything counted. */
  #headBytes = 0
  /** The head so far, where it comes in several parts. */
  #earlier: Buffer[] | undefined
  /** The head so far, where it is to be repaired. */
  #gathered: string | undefined
  #repaired = false
  /** Content that is still to come, where it is not chunked. */
  #left = 0
  #inChunks = false
  /** The section that is read is the trailers. */
  #trailing = false
  #contentBytes = 0
  #overheadBytes = 0

  /** @param maxBytes the largest field section. */
  constructor(events: ResponseEvents, maxBytes: number) {
    this.#events = events
    this.#maxBytes = maxBytes
    this.#section = new SectionReader(maxBytes)
    this.#parser = llhttp.makeParser()
  }

  /** Whether a part of a response has come that is not complete. */
  get begun(): boolean {
    return this.#headBytes > 0 && !this.complete
  }

  /** Bytes of the content that are missing; `Infinity` where it ends with the connection. */
  get missingBytes(): number {
    return this.#left
  }

  /** Behind a response that was chunked; else empty. */
  get trailers(): readonly string[] {
    return this.#trailing ? this.#section.fields : NO_TRAILERS
  }

  /** Parses `bytes` from `start` to `end`. Returns where it stopped: behind a final response, at a fault, or at `end`. */
  execute(bytes: Buffer, start: number, end: number): number {
    this.#executing = true
    while (start < end && this.fault === undefined && !this.complete && !this.#closed) {
      if (this.#left > 0) start = this.#takeContent(bytes, start, end)
      else if (this.#gathered !== undefined) start = this.#gather(bytes, start, end)
      else if (this.#inChunks) start = this.#readChunks(bytes, start, end)
      else start = this.#readHead(bytes, start, end)
    }
    this.#executing = false
    if (this.#closed) this.#free()
    return start
  }

  /** The connection has ended in order. Completes content that ends with it. */
  finish(): void {
    if (this.#left === UNTIL_CLOSE) this.complete = true
  }

  /** Makes ready for another response. */
  next(): void {
    this.complete = false
    this.keepAliveMs = -1
    this.#forgetHead()
  }

  /** Gives the memory back. Also from inside an event. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    if (!this.#executing) this.#free()
  }

  onReason(bytes: Buffer, start: number, end: number): number {
    this.#reason += bytes.toString('latin1', start, end)
    this.#section.count(end - start)
    return this.#bound()
  }

  onName(bytes: Buffer, start: number, end: number): number {
    this.#section.addName(bytes.toString('latin1', start, end))
    return this.#bound()
  }

  onValue(bytes: Buffer, start: number, end: number): number {
    this.#section.addValue(bytes.toString('latin1', start, end))
    return this.#bound()
  }

  onHeadComplete(status: number, keepAlive: boolean): number {
    this.#section.endLine()
    if (this.#bound() !== 0) return -1
    this.#status = status
    this.keepAlive = keepAlive
    const version = llhttp.versionOf(this.#parser)
    if (version !== 11 && version !== 10) return this.#refuse('an HTTP version that is not 1.1 or 1.0')
    if (status < 100) return this.#refuse(`status ${status}`)
    // RFC 9110 §15.2.2: no upgrade was asked for.
    if (status === 101) return this.#refuse('status 101, which was not asked for')
    // RFC 9112 §6.3: no content, whatever the fields say.
    if (status < 200) return 1
    return this.#beginContent(version)
  }

  onContent(bytes: Buffer, start: number, end: number): number {
    this.#contentBytes += end - start
    this.#events.onContent(bytes, start, end)
    return 0
  }

  /** Stops there: what follows belongs to another response, or to none. */
  onMessageComplete(): number {
    this.#section.endLine()
    return this.#bound() === 0 ? llhttp.PAUSED : -1
  }

  #beginContent(version: number): number {
    const { length, coding, keepAliveMs } = framingFields(this.#section.fields, framing)
    const status = this.#status
    this.keepAliveMs = keepAliveMs
    const bodiless = this.headOnly || status === 204 || status === 304
    if (!bodiless && coding !== undefined) {
      // RFC 9112 §6.1: the framing is faulty.
      if (version === 10) return this.#refuse('transfer-encoding in an HTTP/1.0 response')
      const kind = codingOf(coding)
      if (typeof kind === 'object') return this.#refuse(kind.refusal)
      if (kind === 'chunked') {
        if (llhttp.endsWithConnection(this.#parser)) return this.#refuse('an ambiguous transfer-encoding')
        this.#inChunks = true
      } else this.#left = kind
    } else if (!bodiless) {
      if (length > Number.MAX_SAFE_INTEGER) return this.#refuse('a content-length that is too large')
      this.#left = length === -1 ? UNTIL_CLOSE : length
    } else if (this.headOnly ? length !== 0 : length > 0 || coding !== undefined) {
      // Content that a wrong server sends all the same, now or later, would be taken for the next response.
      this.keepAlive = false
    }
    if (this.#left === UNTIL_CLOSE) this.keepAlive = false
    this.#events.onHead(status, this.#section.fields, this.#reason, bodiless || coding !== undefined ? -1 : length)
    // Chunks are llhttp's; the rest is counted here.
    return this.#inChunks ? this.#beginTrailers() : 1
  }

  #beginTrailers(): number {
    this.#trailing = true
    this.#section.begin()
    return 0
  }

  #takeContent(bytes: Buffer, start: number, end: number): number {
    const stop = Math.min(end, start + this.#left)
    this.#left -= stop - start
    if (this.#left === 0) this.complete = true
    this.#events.onContent(bytes, start, stop)
    return stop
  }

  #readHead(bytes: Buffer, start: number, end: number): number {
    if (this.#headBytes === 0) {
      // RFC 9112 §2.2: empty lines before a message. llhttp knows other protocols too.
      if (bytes[start] === CR || bytes[start] === LF) return this.#skip(start)
      if (bytes[start] !== H) return this.#faulty('Expected HTTP/', start)
    }
    const stop = Math.min(end, start + HEAD_BYTES)
    const result = llhttp.execute(this.#parser, this, bytes, start, stop)
    const at = llhttp.stoppedAt()
    this.#headBytes += at - start
    if (this.fault !== undefined) return at
    if (result === llhttp.PAUSED) return this.#messageOver(at)
    if (result !== llhttp.OK) {
      if (!this.#isRepairable(result, bytes, start, at)) return this.#faulty(llhttp.reasonOf(this.#parser), at)
      this.#gathered = Buffer.concat(this.#earlier ?? []).toString('latin1')
      return start
    }
    if (this.#inChunks) return at
    if (this.#headBytes > this.#maxBytes + HEAD_OVERHEAD_BYTES) return this.#tooLarge(at)
    this.#earlier ??= []
    this.#earlier.push(copyOut(bytes, start, stop))
    return at
  }

  #skip(start: number): number {
    if (++this.#overheadBytes > HEAD_OVERHEAD_BYTES) return this.#tooLarge(start)
    return start + 1
  }

  #readChunks(bytes: Buffer, start: number, end: number): number {
    const stop = Math.min(end, start + llhttp.MAX_EXECUTE_BYTES)
    const before = this.#contentBytes
    const result = llhttp.execute(this.#parser, this, bytes, start, stop)
    const at = llhttp.stoppedAt()
    if (this.fault !== undefined) return at
    if (result === llhttp.PAUSED) return this.#messageOver(at)
    if (result !== llhttp.OK) return this.#faulty(llhttp.reasonOf(this.#parser), at)
    // RFC 9112 §7.1.1: the total length of chunk extensions ought to be limited.
    this.#overheadBytes += at - start - (this.#contentBytes - before)
    if (this.#overheadBytes > CHUNK_OVERHEAD_BYTES + CHUNK_OVERHEAD * this.#contentBytes)
      this.fault = { code: 'ERR_RESPONSE_TOO_LARGE', message: 'more chunk extensions and trailers than content' }
    return at
  }

  /** llhttp is done with a message: an interim one, or one whose content is counted here. */
  #messageOver(at: number): number {
    const status = this.#status
    if (status < 200) {
      const { fields } = this.#section
      const bytes = this.#headBytes
      this.#forgetHead()
      this.#events.onInterim(status, fields, bytes)
    } else {
      this.complete = this.#left === 0
      this.#inChunks = false
    }
    return at
  }

  /** Whether it is one of the forms that {@link repairHead} knows. Once for each head. */
  #isRepairable(result: number, bytes: Buffer, start: number, at: number): boolean {
    if (this.#repaired || this.#inChunks || this.#status !== 0) return false
    if (result === llhttp.DUPLICATE_LENGTH) return true
    if (result === llhttp.INVALID_CONTENT_LENGTH) return bytes[at] === COMMA || bytes[at] === HTAB
    if (result !== llhttp.INVALID_HEADER_TOKEN) return false
    const earlier = Buffer.concat(this.#earlier ?? [])
    const byteAt = (index: number): number | undefined => (index >= start ? bytes[index] : earlier.at(index - start))
    const isFold = (index: number): boolean =>
      (byteAt(index) === SP || byteAt(index) === HTAB) && byteAt(index - 1) === LF && byteAt(index - 2) === CR
    return isFold(at) || isFold(at - 1)
  }

  /** Waits for the end of a head, repairs it, and parses it once more. */
  #gather(bytes: Buffer, start: number, end: number): number {
    const before = this.#gathered!
    const head = before + bytes.toString('latin1', start, end)
    const headEnd = endOfHead(head, Math.max(0, before.length - 3))
    if (Math.min(head.length, headEnd) > this.#maxBytes + HEAD_OVERHEAD_BYTES) return this.#tooLarge(start)
    if (headEnd === Number.POSITIVE_INFINITY) {
      this.#gathered = head
      return end
    }
    this.#forgetHead()
    this.#repaired = true
    const repaired = Buffer.from(repairHead(head.slice(0, headEnd)), 'latin1')
    for (let at = 0; at < repaired.length && this.fault === undefined; ) at = this.#readHead(repaired, at, repaired.length)
    return start + headEnd - before.length
  }

  #forgetHead(): void {
    llhttp.resetParser(this.#parser)
    this.#status = 0
    this.#reason = ''
    this.#section.begin()
    this.#trailing = false
    this.#headBytes = 0
    this.#earlier = undefined
    this.#gathered = undefined
    this.#repaired = false
    this.#inChunks = false
    this.#contentBytes = 0
    this.#overheadBytes = 0
  }

  /** 0 while the section is within its bounds: what llhttp is to be told. */
  #bound(): number {
    const { excess } = this.#section
    if (excess === undefined) return 0
    this.fault ??= { code: 'ERR_RESPONSE_TOO_LARGE', message: excess }
    return -1
  }

  #refuse(what: string): number {
    this.#faulty(what, 0)
    return -1
  }

  #faulty(what: string, at: number): number {
    this.fault ??= { code: 'ERR_MALFORMED_RESPONSE', message: `the response is malformed: ${what}` }
    return at
  }

  #tooLarge(at: number): number {
    this.fault ??= { code: 'ERR_RESPONSE_TOO_LARGE', message: `a field section of more than ${this.#maxBytes} bytes` }
    return at
  }

  #free(): void {
    if (this.#parser === 0) return
    llhttp.freeParser(this.#parser)
    this.#parser = 0
  }
}

/** The index behind the empty line that ends a head; `Infinity` where it has not come. A wrong line end is llhttp's to refuse. */
function endOfHead(head: string, from: number): number {
  for (let at = head.indexOf('\n', from); at !== -1; at = head.indexOf('\n', at + 1)) {
    if (head[at + 1] === '\n') return at + 2
    if (head[at + 1] === '\r' && head[at + 2] === '\n') return at + 3
  }
  return Number.POSITIVE_INFINITY
}
