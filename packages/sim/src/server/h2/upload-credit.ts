/** When a server gives back credit for content that it has received (RFC 9113 §6.9.1). */

import type { Http2Model } from '../model.js'
import * as frames from './frames.js'

/** A stream whose content is received. */
interface CreditedStream {
  readonly id: number
  /** Received bytes that were not given back as credit. */
  uncredited: number
}

const READ_BYTES = 4_096
/** Half of the largest window: larger ones are never given back in practice. */
const LARGEST_BYTES = 0x3fff_ffff
const LARGEST_WINDOW = 0x7fff_ffff
const DEFAULT_WINDOW = 65_535

export class UploadCredit {
  readonly #model: Http2Model
  readonly #send: (frame: Uint8Array) => void
  #uncredited = 0
  #opened: boolean

  /** @param readBytes of the application, instead of those of the model. */
  constructor(model: Http2Model, readBytes: number | undefined, send: (frame: Uint8Array) => void) {
    this.#model = readBytes === undefined ? model : { ...model, readBytes }
    this.#send = send
    this.#opened = model.opensWithData !== true
  }

  /** @param ends whether these are the last bytes of the stream. */
  received(stream: CreditedStream | undefined, bytes: number, ends: boolean): void {
    if (bytes === 0) return
    this.#open()
    const { credit, readBytes = READ_BYTES, streamWindowBytes, connectionWindowBytes } = this.#model
    const open = ends ? undefined : stream
    if (credit === 'per-read') {
      for (let left = bytes; left > 0; left -= readBytes) this.#give(open, Math.min(left, readBytes))
      return
    }
    const half = credit !== 'at-once'
    this.#uncredited += bytes
    if (!half || this.#uncredited >= Math.min(connectionWindowBytes, LARGEST_BYTES) / 2) {
      this.#update(0, this.#uncredited)
      this.#uncredited = 0
    }
    if (open === undefined) return
    if (credit === 'unlimited' && open.uncredited === 0) this.#update(open.id, LARGEST_WINDOW - streamWindowBytes)
    open.uncredited += bytes
    if (credit === 'unlimited') return
    if (half && open.uncredited < streamWindowBytes / 2) return
    this.#update(open.id, open.uncredited)
    open.uncredited = 0
  }

  /** The window of the connection gets its size. */
  #open(): void {
    if (this.#opened) return
    this.#opened = true
    this.#update(0, this.#model.connectionWindowBytes - DEFAULT_WINDOW)
  }

  #give(stream: CreditedStream | undefined, bytes: number): void {
    this.#update(0, bytes)
    if (stream !== undefined) this.#update(stream.id, bytes)
  }

  #update(stream: number, bytes: number): void {
    this.#send(frames.numberFrame(frames.WINDOW_UPDATE, stream, bytes))
  }
}
