/** One request of an HTTP/1.1 connection: writes its response. */

import { MAX_PIECE, piece } from '../../ledger/markers.js'
import type { ServerEnd } from '../../network/flow.js'
import type { RequestHead, ServerExchange } from '../exchange.js'

export interface Http1ExchangeDeps {
  /** Whether the connection ends after it. */
  readonly last: boolean
  /** Whether content of unknown length is chunked. */
  readonly chunks: boolean
  readonly timeoutS: number | undefined
  readonly end: ServerEnd
  /** @param ends whether the end of the connection ends the content. */
  done(ends: boolean): void
  dies(how: 'reset' | 'goaway' | 'close'): void
}

export class Http1Exchange implements ServerExchange {
  readonly head: RequestHead
  readonly #deps: Http1ExchangeDeps
  over = false
  uploaded = false
  uploadBytes = 0
  onUpload: (() => void) | undefined
  #chunked = false
  #untilClose = false
  #announced: number | undefined
  #offset = 0
  #total = 0
  #finished = false

  constructor(head: RequestHead, deps: Http1ExchangeDeps) {
    this.head = head
    this.#deps = deps
  }

  respond(status: number, length: number | undefined): void {
    const { last, chunks, timeoutS, end } = this.#deps
    this.#chunked = length === undefined && chunks
    this.#untilClose = length === undefined && !chunks
    this.#announced = length
    const framing = length !== undefined ? `content-length: ${length}\r\n` : chunks ? 'transfer-encoding: chunked\r\n' : ''
    const connection = last || this.#untilClose ? 'connection: close\r\n' : ''
    const keepAlive = timeoutS === undefined || connection !== '' ? '' : `keep-alive: timeout=${timeoutS}\r\n`
    end.write(
      Buffer.from(
        `HTTP/1.1 ${status} Modelled\r\nx-request: ${this.head.id}\r\n${framing}${connection}${keepAlive}\r\n`,
        'latin1',
      ),
    )
  }

  append(bytes: number): void {
    this.#total += bytes
    this.pump()
  }

  finish(): void {
    this.#finished = true
    this.pump()
  }

  die(how: 'reset' | 'goaway' | 'close'): void {
    this.#deps.dies(how)
  }

  pump(): void {
    const { end } = this.#deps
    while (!this.over && !end.full && this.#offset < this.#total) {
      const length = Math.min(this.#total - this.#offset, MAX_PIECE)
      if (this.#chunked) end.write(Buffer.from(`${length.toString(16)}\r\n`, 'latin1'))
      end.write(piece('r', this.head.id, this.#offset, length))
      if (this.#chunked) end.write(Buffer.from('\r\n', 'latin1'))
      this.#offset += length
    }
    if (this.over || !this.#finished || this.#offset < this.#total) return
    if (this.#chunked) end.write(Buffer.from('0\r\n\r\n', 'latin1'))
    this.over = true
    // A server that has announced more than it sends closes the connection, as far as it notices.
    this.#deps.done(this.#untilClose || (this.#announced ?? this.#total) !== this.#total)
  }
}
