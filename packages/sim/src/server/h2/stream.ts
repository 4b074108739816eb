/** One stream of a modelled server. */

import { piece } from '../../ledger/markers.js'
import type { RequestHead, ServerExchange } from '../exchange.js'
import * as frames from './frames.js'
import { encodeBlock } from './hpack.js'

/** The connection of a stream. */
export interface StreamHost {
  /** Bytes that may be sent on the connection. */
  sendWindow: number
  readonly maxFrameBytes: number
  /** Whether the socket takes more. */
  readonly writable: boolean
  send(frame: Uint8Array): void
  /** HEADERS or DATA were sent. */
  noteAnswer(isData: boolean): void
  streamDone(stream: ServerStream): void
  dies(how: 'reset' | 'goaway' | 'close'): void
}

export class ServerStream implements ServerExchange {
  readonly id: number
  readonly head: RequestHead
  readonly #host: StreamHost
  sendWindow: number
  over = false
  uploaded = false
  uploadBytes = 0
  /** Received bytes that were not given back as credit. */
  uncredited = 0
  onUpload: (() => void) | undefined
  #offset = 0
  #total = 0
  #finished = false

  constructor(id: number, head: RequestHead, host: StreamHost, sendWindow: number) {
    this.id = id
    this.head = head
    this.#host = host
    this.sendWindow = sendWindow
  }

  respond(status: number, length: number | undefined): void {
    if (this.over) return
    const fields: [string, string][] = [
      [':status', String(status)],
      ['x-request', String(this.head.id)],
    ]
    if (length !== undefined) fields.push(['content-length', String(length)])
    this.#host.send(frames.frame(frames.HEADERS, frames.END_HEADERS, this.id, encodeBlock(fields)))
    this.#host.noteAnswer(false)
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
    this.#host.dies(how)
  }

  /** Sends as much of the content as the windows allow. */
  pump(): void {
    const host = this.#host
    while (!this.over) {
      const left = this.#total - this.#offset
      if (left === 0 && !this.#finished) return
      const length = Math.min(left, this.sendWindow, host.sendWindow, host.maxFrameBytes)
      if (left > 0 && (length <= 0 || !host.writable)) return
      const isLast = this.#finished && length === left
      const payload = piece('r', this.head.id, this.#offset, length)
      host.send(frames.frame(frames.DATA, isLast ? frames.END_STREAM : 0, this.id, payload))
      host.noteAnswer(true)
      this.#offset += length
      this.sendWindow -= length
      host.sendWindow -= length
      if (isLast) this.#end()
    }
  }

  #end(): void {
    // A client that still sends should stop (RFC 9113 §8.1).
    if (!this.uploaded) this.#host.send(frames.numberFrame(frames.RST_STREAM, this.id, frames.NO_ERROR))
    this.over = true
    this.#host.streamDone(this)
  }
}
