/** A raw HTTP/2 client over real TLS: sends frames as it likes, and keeps everything that arrives. */

import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { connect, type TLSSocket } from 'node:tls'
import { contentOf, type Field, type Frame, FrameParser, frames, hasFlag, numberOf, settingsOf } from '@unshard/testkit'
import { HpackDecoder } from '../server/h2/hpack.js'

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const POLL_MS = 10
/** So that the first DATA is acknowledged on its own. */
const AFTER_FIRST_MS = 200

export class RawHttp2 {
  readonly #socket: TLSSocket
  readonly #parser = new FrameParser()
  readonly #decoder = new HpackDecoder()
  readonly host: string
  readonly received: Frame[] = []
  /** When the server has sent FIN or RST, and when the last frame arrived. */
  closedAt: number | undefined
  lastFrameAt: number | undefined
  readonly goawaysAt: number[] = []
  readonly localPort: number
  #stream = -1
  /** Bytes that the server allows on the connection, and on each stream at first. */
  connectionWindow = 65_535
  streamWindow = 65_535

  private constructor(socket: TLSSocket, host: string) {
    this.#socket = socket
    this.host = host
    this.localPort = socket.localPort!
    socket.on('data', (bytes: Buffer) => {
      for (const frame of this.#parser.push(bytes)) this.#receive(frame)
    })
    socket.on('error', () => undefined)
    for (const event of ['end', 'close']) {
      socket.on(event, () => {
        this.closedAt ??= Date.now()
      })
    }
    socket.write(Buffer.concat([Buffer.from(PREFACE), frames.settings()]))
  }

  static async connect(port: number, host: string): Promise<RawHttp2> {
    // Its own end stays open when the server ends the connection.
    const end = { port, host: '127.0.0.1', allowHalfOpen: true }
    const socket = connect({ ...end, servername: host, ALPNProtocols: ['h2'], rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const connection = new RawHttp2(socket, host)
    await connection.until(() => connection.received.some(({ typeName }) => typeName === 'SETTINGS'), 5_000)
    // WINDOW_UPDATE may follow SETTINGS.
    await pause(100)
    return connection
  }

  /** Whether the server has sent FIN or RST. */
  get closed(): boolean {
    return this.closedAt !== undefined
  }

  /** Whether the server ends the connection, or has ended it. */
  get isEnding(): boolean {
    return this.closed || this.received.some(({ typeName }) => typeName === 'GOAWAY')
  }

  /** Waits for a condition. Returns whether it came true. */
  async until(condition: () => boolean, limitMs: number): Promise<boolean> {
    for (const endsAt = Date.now() + limitMs; !condition(); ) {
      if (Date.now() > endsAt) return false
      await pause(POLL_MS)
    }
    return true
  }

  write(...list: readonly Uint8Array[]): void {
    if (!this.closed) this.#socket.write(Buffer.concat(list))
  }

  /** Sends HEADERS. Returns the number of the stream. */
  open(method: string, path: string, authority: string, endStream: boolean): number {
    this.#stream += 2
    const fields: Field[] = [
      [':method', method],
      [':scheme', 'https'],
      [':path', path],
      [':authority', authority],
    ]
    this.write(frames.headers(this.#stream, fields, { endStream }))
    return this.#stream
  }

  /** Makes a request without content. Returns the status; `undefined` without a response. */
  async get(path: string, authority: string = this.host): Promise<number | undefined> {
    const stream = this.open('GET', path, authority, true)
    const isOver = (): boolean => this.of(stream).some((frame) => hasFlag(frame, 'END_STREAM') || frame.typeName === 'RST_STREAM')
    await this.until(() => isOver() || this.closed, 5_000)
    return this.statuses.get(stream)
  }

  /** Sends content in DATA frames, as far as the windows allow, until all of it is sent. */
  async upload(path: string, bytes: number, frameBytes: number): Promise<{ readonly stream: number; readonly sentAll: boolean }> {
    const stream = this.open('POST', path, this.host, false)
    let left = bytes
    const before = this.received.length
    const credit = (id: number): number => this.#increments(id, before)
    const mayNow = (): number => {
      const sent = bytes - left
      return Math.min(this.connectionWindow + credit(0), this.streamWindow + credit(stream)) - sent
    }
    const endsAt = Date.now() + 5_000
    while (left > 0 && Date.now() < endsAt && !this.closed) {
      const size = Math.min(left, frameBytes, mayNow())
      if (size <= 0) {
        await pause(POLL_MS)
        continue
      }
      left -= size
      this.write(frames.data(stream, Buffer.alloc(size), { endStream: left === 0 }))
      await pause(left === bytes - size ? AFTER_FIRST_MS : 2)
    }
    await pause(300)
    return { stream, sentAll: left === 0 }
  }

  /** Frames of one stream. */
  of(stream: number): Frame[] {
    return this.received.filter(({ streamId }) => streamId === stream)
  }

  readonly statuses: Map<number, number> = new Map()

  destroy(): void {
    this.#socket.destroy()
  }

  #increments(id: number, from: number): number {
    let sum = 0
    for (const frame of this.received.slice(from)) {
      if (frame.typeName === 'WINDOW_UPDATE' && frame.streamId === id) sum += numberOf(frame)
    }
    return sum
  }

  #receive(frame: Frame): void {
    this.received.push(frame)
    this.lastFrameAt = Date.now()
    const { typeName } = frame
    if (typeName === 'GOAWAY') this.goawaysAt.push(this.lastFrameAt)
    if (typeName === 'SETTINGS' && !hasFlag(frame, 'ACK')) {
      this.streamWindow = settingsOf(frame).initialWindowSize ?? this.streamWindow
      this.write(frames.settingsAck())
    }
    if (typeName === 'HEADERS') {
      const status = this.#decoder.decode(contentOf(frame)).find(([name]) => name === ':status')?.[1]
      if (status !== undefined) this.statuses.set(frame.streamId, Number(status))
    }
    // Content that a server sends is given back at once.
    if (typeName === 'DATA' && frame.payload.length > 0) {
      this.write(frames.windowUpdate(0, frame.payload.length))
    }
  }
}
