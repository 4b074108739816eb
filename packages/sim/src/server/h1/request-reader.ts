/** Reads requests from bytes: heads, then content by length or by chunks (RFC 9112 §6). */

import type { RequestHead } from '../exchange.js'
import { headOf } from '../head.js'

export interface RequestEvents {
  onHead(head: RequestHead, closes: boolean): void
  onContent(bytes: Uint8Array): void
  onEnd(): void
}

export class RequestReader {
  readonly #events: RequestEvents
  #bytes: Buffer = Buffer.alloc(0)
  /** Bytes of content that are missing; -1 between requests, -2 before the size of a chunk. */
  #left = -1
  #chunked = false

  constructor(events: RequestEvents) {
    this.#events = events
  }

  push(bytes: Uint8Array): void {
    this.#bytes = this.#bytes.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#bytes, bytes])
    while (this.#step());
  }

  /** Reads one element. Returns false if bytes are missing. */
  #step(): boolean {
    if (this.#left === -1) return this.#readHead()
    if (this.#left === -2) return this.#readSize()
    if (this.#left === 0) return this.#endContent()
    if (this.#bytes.length === 0) return false
    const part = this.#bytes.subarray(0, this.#left)
    this.#bytes = this.#bytes.subarray(part.length)
    this.#left -= part.length
    this.#events.onContent(part)
    return true
  }

  #readHead(): boolean {
    const end = this.#bytes.indexOf('\r\n\r\n')
    if (end === -1) return false
    const [first = '', ...lines] = this.#bytes.toString('latin1', 0, end).split('\r\n')
    this.#bytes = this.#bytes.subarray(end + 4)
    const fields = lines.map((line): [string, string] => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    })
    const field = (name: string): string | undefined => fields.find(([each]) => each === name)?.[1]
    this.#chunked = field('transfer-encoding') === 'chunked'
    this.#left = this.#chunked ? -2 : Number(field('content-length') ?? 0)
    const head = { ...headOf(fields), method: first.slice(0, first.indexOf(' ')) }
    this.#events.onHead(head, field('connection') === 'close')
    return true
  }

  #readSize(): boolean {
    const end = this.#bytes.indexOf('\r\n')
    if (end === -1) return false
    const size = Number.parseInt(this.#bytes.toString('latin1', 0, end), 16)
    // The last chunk has an empty line behind it.
    if (size === 0 && this.#bytes.length < end + 4) return false
    this.#bytes = this.#bytes.subarray(end + (size === 0 ? 4 : 2))
    this.#left = size
    if (size === 0) this.#chunked = false
    return true
  }

  #endContent(): boolean {
    if (this.#chunked) {
      if (this.#bytes.length < 2) return false
      this.#bytes = this.#bytes.subarray(2)
      this.#left = -2
      return true
    }
    this.#left = -1
    this.#events.onEnd()
    return true
  }
}
