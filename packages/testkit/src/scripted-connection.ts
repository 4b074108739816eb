// One connection as a script sees it: received frames with a cursor, requests decoded by a foreign
// HPACK decoder, and sent frames. RFC 9113 §3.4 (preface), §4.3 (field blocks are decoded on
// arrival, whether or not the script reads them).
import type { Socket } from 'node:net'
import { CLIENT_PREFACE, type FrameTypeName } from './frame-names.js'
import { contentOf, type Frame, FrameParser, hasFlag } from './frame-parser.js'
import type { Field, SettingsRecord } from './frames.js'
import * as frames from './frames.js'
import { HpackDecoder } from './hpack-decoder.js'

export interface DecodedRequest {
  readonly streamId: number
  readonly fields: readonly Field[]
  readonly method: string
  readonly path: string
  readonly authority: string
  readonly endStream: boolean
}

/** The client closed the connection while the script was reading, or before it wrote. */
export class PeerClosedError extends Error {
  readonly code = 'PEER_CLOSED'
}

export class ScriptedConnection {
  readonly socket: Socket
  /** All frames so far, whether the script has read them or not. */
  readonly received: Frame[] = []
  /** Resolves when the socket is closed by either side. */
  readonly closed: Promise<void>
  readonly #parser = new FrameParser()
  readonly #decoder = new HpackDecoder()
  // Fields of each HEADERS frame whose block is complete, or the decoding error.
  readonly #fields = new Map<Frame, Field[] | Error>()
  #block: { readonly frame: Frame; readonly parts: Buffer[] } | undefined
  #prefaceBytes: Buffer = Buffer.alloc(0)
  #cursor = 0
  #lastRequestId = 0
  #closed = false
  #wake: () => void = () => {}
  #arrival: Promise<void>

  constructor(socket: Socket) {
    this.socket = socket
    this.#arrival = this.#nextArrival()
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#closed = true
        resolve()
        this.#notify()
      })
    })
    socket.on('error', () => {})
    socket.on('data', (bytes) => this.#receive(bytes))
  }

  /** Reads the 24 bytes of the client preface. @throws if other bytes arrive. */
  async preface(): Promise<void> {
    await this.#until(() => this.#prefaceBytes.length >= CLIENT_PREFACE.length)
    if (!this.#prefaceBytes.equals(CLIENT_PREFACE)) {
      throw new Error(`not a client preface: ${JSON.stringify(this.#prefaceBytes.toString('latin1'))}`)
    }
  }

  /** Reads the next frame, or the next frame of that type, skipping others. */
  async next(typeName?: FrameTypeName): Promise<Frame> {
    await this.preface()
    for (;;) {
      await this.#until(() => this.#cursor < this.received.length)
      const frame = this.received[this.#cursor++]!
      if (typeName === undefined || frame.typeName === typeName) return frame
    }
  }

  /**
   * Reads the next HEADERS that opens a stream, with its CONTINUATION frames, decoded. Skips all
   * other frames.
   */
  async nextRequest(): Promise<DecodedRequest> {
    for (;;) {
      const frame = await this.next('HEADERS')
      if (frame.streamId <= this.#lastRequestId) continue // trailers
      this.#lastRequestId = frame.streamId
      const fields = await this.fieldsOf(frame)
      const valueFor = (name: string): string => fields.find(([each]) => each === name)?.[1] ?? ''
      return {
        streamId: frame.streamId,
        fields,
        method: valueFor(':method'),
        path: valueFor(':path'),
        authority: valueFor(':authority') || valueFor('host'),
        endStream: hasFlag(frame, 'END_STREAM'),
      }
    }
  }

  /**
   * Resolves with the decoded fields of a HEADERS frame (trailers for example) once its
   * CONTINUATION frames have arrived.
   */
  async fieldsOf(frame: Frame): Promise<readonly Field[]> {
    await this.#until(() => this.#fields.has(frame))
    const fields = this.#fields.get(frame)!
    if (!Array.isArray(fields)) throw fields
    return fields
  }

  /**
   * Performs the usual start: reads the client's preface and SETTINGS, sends SETTINGS and an
   * acknowledgement. The client's acknowledgement arrives later, as a frame.
   */
  async handshake(settings: SettingsRecord = {}): Promise<void> {
    await this.preface()
    await this.next('SETTINGS')
    if (settings.headerTableSize !== undefined) this.#decoder.maxTableSize = settings.headerTableSize
    this.send(frames.settings(settings), frames.settingsAck())
  }

  /** Writes all buffers in one piece. */
  send(...buffers: readonly Uint8Array[]): void {
    if (this.#closed || this.socket.destroyed) throw new PeerClosedError('the connection is closed')
    this.socket.write(Buffer.concat(buffers))
  }

  /**
   * Sends a whole response: HEADERS, and DATA in frames of at most 16,384 bytes. The script is
   * responsible for windows.
   */
  respond(streamId: number, status: number, fields: readonly Field[] = [], body?: Uint8Array | string): void {
    const all: Field[] = [[':status', String(status)], ...fields]
    const bytes = typeof body === 'string' ? Buffer.from(body) : (body ?? Buffer.alloc(0))
    const sent = [frames.headers(streamId, all, { endStream: bytes.length === 0 })]
    for (let at = 0; at < bytes.length; at += 16_384) {
      sent.push(frames.data(streamId, bytes.subarray(at, at + 16_384), { endStream: at + 16_384 >= bytes.length }))
    }
    this.send(...sent)
  }

  /** Sends FIN after the pending writes. */
  end(): void {
    this.socket.end()
  }

  /** Closes at once, without a TLS close_notify. */
  destroy(): void {
    this.socket.destroy()
  }

  #receive(bytes: Buffer): void {
    const missing = CLIENT_PREFACE.length - this.#prefaceBytes.length
    if (missing > 0) this.#prefaceBytes = Buffer.concat([this.#prefaceBytes, bytes.subarray(0, missing)])
    for (const frame of this.#parser.push(bytes.subarray(missing))) {
      this.received.push(frame)
      this.#collectFields(frame)
    }
    this.#notify()
  }

  #collectFields(frame: Frame): void {
    if (frame.typeName === 'HEADERS') this.#block = { frame, parts: [contentOf(frame)] }
    else if (frame.typeName === 'CONTINUATION') this.#block?.parts.push(frame.payload)
    else return
    if (this.#block === undefined || !hasFlag(frame, 'END_HEADERS')) return
    let fields: Field[] | Error
    try {
      fields = this.#decoder.decode(Buffer.concat(this.#block.parts))
    } catch (error) {
      fields = error as Error
    }
    this.#fields.set(this.#block.frame, fields)
    this.#block = undefined
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#closed) throw new PeerClosedError('the client closed the connection')
      await this.#arrival
    }
  }

  #notify(): void {
    const wake = this.#wake
    this.#arrival = this.#nextArrival()
    wake()
  }

  #nextArrival(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}
