/** One stream as the fuzzer sees it: the calls it made, and the calls it got. */

import type { FieldSection, RequestHead } from '../../../core/src/h2/protocol/field-section.js'
import type { Stream, StreamEnd, StreamOwner } from '../../../core/src/h2/protocol/stream.js'

/** Checks the events of every stream. */
export interface RequestWitness {
  onInformational(stream: Stream<Request>, section: FieldSection): void
  onResponse(stream: Stream<Request>, section: FieldSection): void
  onData(stream: Stream<Request>, bytes: Buffer, start: number, end: number): void
  onEnd(stream: Stream<Request>, trailers: readonly string[] | undefined): void
  onStreamError(stream: Stream<Request>, end: StreamEnd): void
  onSendable(stream: Stream<Request>, stopped: boolean): void
  onClosed(stream: Stream<Request>): void
}

export class Request implements StreamOwner {
  readonly #witness: RequestWitness
  readonly head: RequestHead
  /** Number of streams that were open before this one. */
  readonly openBefore: number
  stream: Stream<Request> | undefined
  /** Bytes of content handed over, and the trailers that follow. */
  handedOver = 0
  trailers: readonly string[] | undefined
  sendingEnded: boolean
  /** `sendData` has returned that the caller must wait. */
  waiting = false

  responses = 0
  ended = false
  failed = false
  stopped = false
  closed = false
  /** Content delivered and not consumed yet, and content consumed. */
  unread = 0
  consumed = 0

  constructor(witness: RequestWitness, head: RequestHead, openBefore: number, ended: boolean) {
    this.#witness = witness
    this.head = head
    this.openBefore = openBefore
    this.sendingEnded = ended
  }

  onInformational(section: FieldSection): void {
    this.#witness.onInformational(this.stream!, section)
  }
  onResponse(section: FieldSection): void {
    this.#witness.onResponse(this.stream!, section)
  }
  onData(bytes: Buffer, start: number, end: number): void {
    this.#witness.onData(this.stream!, bytes, start, end)
  }
  onEnd(trailers: readonly string[] | undefined): void {
    this.#witness.onEnd(this.stream!, trailers)
  }
  onStreamError(end: StreamEnd): void {
    this.#witness.onStreamError(this.stream!, end)
  }
  onSendable(stopped: boolean): void {
    this.#witness.onSendable(this.stream!, stopped)
  }
  onClosed(): void {
    this.#witness.onClosed(this.stream!)
  }

  get id(): number {
    return this.stream?.id ?? 0
  }

  /** Whether more of the response may arrive. */
  get receiving(): boolean {
    return !this.ended && !this.failed && !this.closed
  }
}

/** Field lists for every case of the encoder: static, volatile, sensitive, repeated, long. */
const FIELDS: readonly (readonly string[])[] = [
  [],
  ['accept', '*/*'],
  ['accept', '*/*', 'user-agent', 'fuzz/1', 'accept-encoding', 'gzip, deflate'],
  ['cookie', 'a=b', 'cookie', 'session=0123456789abcdef0123', 'authorization', 'Bearer x'],
  ['etag', 'x', 'if-none-match', 'y', 'x-request-id', '1'],
  ['x-a', '1', 'x-a', '2', 'x-a', '1'],
  ['x-high', '\u00e9\u00ff', 'content-length', '5'],
  ['secret', 'kept out of tables', 'te', 'trailers'],
]
const METHODS = ['GET', 'GET', 'GET', 'GET', 'POST', 'POST', 'HEAD', 'CONNECT'] as const
const SENSITIVE: ReadonlySet<string> = new Set(['secret'])
const LONG_FIELD = 20_000
const VERY_LONG_FIELD = 40_000

/** Creates a request from three bytes of an input. */
export function headOf(x: number, y: number, z: number): RequestHead {
  const fields = [...FIELDS[y % FIELDS.length]!]
  if (z === 255) fields.push('x-long', '*'.repeat(VERY_LONG_FIELD))
  else if (z > 250) fields.push('x-long', 'a'.repeat(LONG_FIELD))
  else if (z > 200) fields.push(`x-${z}`, 'v'.repeat(z))
  const path = y < 128 ? '/' : `/${'p'.repeat(y % 100)}`
  return { method: METHODS[x % METHODS.length]!, scheme: 'https', authority: 'a.test', path, fields, sensitive: SENSITIVE }
}

export function hasContent(head: RequestHead): boolean {
  return head.method === 'POST' || head.method === 'CONNECT'
}

export const TRAILERS: readonly string[] = ['t', 'u', 'x-checksum', '0123']

const PATTERN_PERIOD = 251
const MAX_PART = 70_000
const pattern = Buffer.from(Uint8Array.from({ length: PATTERN_PERIOD + MAX_PART }, (_, i) => i % PATTERN_PERIOD))

/**
 * Returns content whose bytes encode their position, so that lost, duplicated or swapped parts are
 * detected.
 */
export function contentAt(offset: number, length: number): Buffer {
  const from = offset % PATTERN_PERIOD
  return pattern.subarray(from, from + length)
}
