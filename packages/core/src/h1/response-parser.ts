/**
 * Parses the responses of one HTTP/1.1 connection (RFC 9112). llhttp parses heads and chunks;
 * content of known length bypasses it. Must not know sockets or requests, except {@link
 * ResponseParser.headOnly}.
 */

import { copyOut } from '../message/memory/copies.js'
import { codingOf, type FramingFields, framingFields, UNTIL_CLOSE } from './framing.js'
import { repairHead } from './head-repair.js'
import * as llhttp from './llhttp.js'
import { SectionReader } from './section-reader.js'

/** Why a response is invalid. */
export interface ResponseFault {
  readonly code: 'ERR_MALFORMED_RESPONSE' | 'ERR_RESPONSE_TOO_LARGE'
  readonly message: string
}

/** Callbacks of the parser. Bytes are valid only during the call. */
export interface ResponseEvents {
  /** Called with an interim response. @param bytes size of its head. */
  onInterim(status: number, fields: readonly string[], bytes: number): void
  /**
   * Called with the head of a final response. `expectedBytes` is its content-length, or -1 without
   * content of known length.
   */
  onHead(status: number, fields: readonly string[], reason: string, expectedBytes: number): void
  onContent(bytes: Buffer, start: number, end: number): void
}

/** Allowance for colons, line ends and blanks in a head, in bytes. */
const HEAD_OVERHEAD_BYTES = 16_384
/** Bytes passed to llhttp at once while it parses a head: most of the rest is content. */
const HEAD_BYTES = 4_096
/**
 * Allowance for chunk sizes, extensions and trailers, in bytes: a constant plus the bytes of
 * content.
 */
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

/** The parser of one connection. Must not be used after a fault. */
export class ResponseParser implements llhttp.LlhttpEvents {
  readonly #events: ResponseEvents
  readonly #maxBytes: number
  #parser: number
  #executing = false
  #closed = false
  /** Whether the next response answers HEAD. */
  headOnly = false
  /** Whether the next response may be 101, after which all bytes are content. */
  upgrades = false
  /** Set if the response is invalid. */
  fault: ResponseFault | undefined
  /** Whether the final response is complete. Call {@link next} before the following one. */
  complete = false
  /** Whether the connection may be reused after the response. */
  keepAlive = false
  /** Time for which the server keeps an idle connection, in milliseconds, or -1 if not given. */
  keepAliveMs = -1
  #status = 0
  #reason = ''
  readonly #section: SectionReader
  /** Total bytes of the head so far. */
  #headBytes = 0
  /** Earlier parts of a head that arrives in several parts. */
  #earlier: Buffer[] | undefined
  /** The head so far, if it will be repaired. */
  #gathered: string | undefined
  #repaired = false
  /** Missing content bytes, if not chunked. */
  #left = 0
  #inChunks = false
  /** Whether the current section is the trailers. */
  #trailing = false
  #contentBytes = 0
  #overheadBytes = 0

  /** @param maxBytes maximum size of a field section. */
  constructor(events: ResponseEvents, maxBytes: number) {
    this.#events = events
    this.#maxBytes = maxBytes
    this.#section = new SectionReader(maxBytes)
    this.#parser = llhttp.makeParser()
  }

  /** Whether an incomplete response has begun. */
  get begun(): boolean {
    return this.#headBytes > 0 && !this.complete
  }

  /** Missing bytes of the content; `Infinity` if it ends with the connection. */
  get missingBytes(): number {
    return this.#left
  }

  /** Trailers of a chunked response; otherwise empty. */
  get trailers(): readonly string[] {
    return this.#trailing ? this.#section.fields : NO_TRAILERS
  }

  /**
   * Parses `bytes` from `start` to `end`. Returns where it stopped: after a final response, at a
   * fault, or at `end`.
   */
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

  /** Completes content that ends with the connection, after a clean end. */
  finish(): void {
    if (this.#left === UNTIL_CLOSE) this.complete = true
  }

  /** Prepares for the next response. */
  next(): void {
    this.complete = false
    this.keepAliveMs = -1
    this.#forgetHead()
  }

  /** Releases the memory. May be called from a callback. */
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
    if (status === 101) return this.#upgrade()
    // RFC 9112 §6.3: an interim response has no content, whatever its fields.
    if (status < 200) return 1
    return this.#beginContent(version)
  }

  onContent(bytes: Buffer, start: number, end: number): number {
    this.#contentBytes += end - start
    this.#events.onContent(bytes, start, end)
    return 0
  }

  /** Stops the parser: the following bytes do not belong to this response. */
  onMessageComplete(): number {
    this.#section.endLine()
    return this.#bound() === 0 ? llhttp.PAUSED : -1
  }

  /** RFC 9110 §15.2.2: 101 requires an upgrade request. */
  #upgrade(): number {
    if (!this.upgrades) return this.#refuse('unexpected status 101 (no upgrade was requested)')
    this.keepAlive = false
    this.#left = UNTIL_CLOSE
    this.#events.onHead(101, this.#section.fields, this.#reason, -1)
    return 1
  }

  #beginContent(version: number): number {
    const { length, coding, keepAliveMs } = framingFields(this.#section.fields, framing)
    const status = this.#status
    this.keepAliveMs = keepAliveMs
    const bodiless = this.headOnly || status === 204 || status === 304
    if (!bodiless && coding !== undefined) {
      // RFC 9112 §6.1: transfer-encoding in HTTP/1.0 means faulty framing.
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
      // Content that a broken server sends anyway would be taken for the next response.
      this.keepAlive = false
    }
    if (this.#left === UNTIL_CLOSE) this.keepAlive = false
    this.#events.onHead(status, this.#section.fields, this.#reason, bodiless || coding !== undefined ? -1 : length)
    // llhttp parses chunks; content of known length is counted here.
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
      // Skip empty lines before a message (RFC 9112 §2.2). llhttp also accepts other protocols.
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
    // RFC 9112 §7.1.1: a recipient ought to limit the total length of chunk extensions.
    this.#overheadBytes += at - start - (this.#contentBytes - before)
    if (this.#overheadBytes > CHUNK_OVERHEAD_BYTES + CHUNK_OVERHEAD * this.#contentBytes)
      this.fault = { code: 'ERR_RESPONSE_TOO_LARGE', message: 'more chunk extensions and trailers than content' }
    return at
  }

  /**
   * Called when llhttp has finished a message: an interim response, or a head with content counted
   * here.
   */
  #messageOver(at: number): number {
    const status = this.#status
    if (status < 200 && this.#left === 0) {
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

  /** Whether {@link repairHead} may fix the head. Tried once per head. */
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

  /** Collects a head, repairs it, and parses it again. */
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

  /** Returns 0 for llhttp while the section is within its limits. */
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

/**
 * Returns the index after the empty line that ends a head, or `Infinity`. llhttp rejects invalid
 * line ends.
 */
function endOfHead(head: string, from: number): number {
  for (let at = head.indexOf('\n', from); at !== -1; at = head.indexOf('\n', at + 1)) {
    if (head[at + 1] === '\n') return at + 2
    if (head[at + 1] === '\r' && head[at + 2] === '\n') return at + 3
  }
  return Number.POSITIVE_INFINITY
}
