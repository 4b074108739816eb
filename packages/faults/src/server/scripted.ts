/**
 * The same server frame by frame, for cells that need frames Node would not send: arbitrary GOAWAY
 * and RST_STREAM.
 */

import {
  type Credentials,
  contentOf,
  type Frame,
  frames,
  hasFlag,
  type OriginServer,
  patternBytes,
  type ScriptedConnection,
  type ScriptedPeer,
  startOriginServer,
  startScriptedPeer,
} from '@unshard/testkit'
import { Account, type Backend, Gates, type Point, runOf } from './account.js'
import { createHandler, hashOf, ID_FIELD, summaryOf } from './handler.js'

const WINDOW_BYTES = 4_096

interface Exchange {
  readonly streamId: number
  readonly id: string
  readonly path: string
  readonly parts: Buffer[]
  /** Bytes received without a WINDOW_UPDATE so far. */
  owed: number
}

/** One connection: responds to requests until a script makes it misbehave. */
class Conversation {
  readonly #peer: ScriptedConnection
  readonly #owner: ScriptedBackend
  readonly #exchanges = new Map<number, Exchange>()
  readonly #streams = new Map<string, number>()
  /** Streams on which nothing more is sent. */
  readonly #dead = new Set<number>()
  #refusedAbove = Number.POSITIVE_INFINITY
  #lastStreamId = 0

  constructor(peer: ScriptedConnection, owner: ScriptedBackend) {
    this.#peer = peer
    this.#owner = owner
    peer.socket.setNoDelay(true)
  }

  get isOpen(): boolean {
    return !this.#peer.socket.destroyed
  }

  get lastStreamId(): number {
    return this.#lastStreamId
  }

  async run(maxConcurrentStreams: number): Promise<void> {
    await this.#peer.handshake({ initialWindowSize: WINDOW_BYTES, maxConcurrentStreams })
    for (;;) await this.#take(await this.#peer.next())
  }

  send(...buffers: readonly Uint8Array[]): void {
    if (this.isOpen && this.#peer.socket.writable) this.#peer.send(...buffers)
  }

  /** Sends close_notify and FIN. */
  end(): void {
    this.#peer.end()
  }

  /** Sends FIN without close_notify. */
  destroy(): void {
    this.#peer.destroy()
  }

  /** Sends GOAWAY. Streams above `last` were not processed. */
  goaway(last: number, errorCode: number): void {
    this.#refusedAbove = Math.min(this.#refusedAbove, last)
    for (const { streamId, id } of this.#exchanges.values()) if (streamId > last) this.#forget(streamId, id)
    this.send(frames.goaway(last, errorCode))
  }

  /** Returns the stream of a request that has arrived or has been answered. */
  streamOf(id: string): number {
    return this.#streams.get(id) ?? 0
  }

  /**
   * Sends RST_STREAM on a stream that may not have arrived yet. `unprocessed`: the code means that
   * nothing was processed.
   */
  reset(streamId: number, errorCode: number, unprocessed: boolean): void {
    const exchange = this.#exchanges.get(streamId)
    if (exchange !== undefined && unprocessed) this.#owner.account.disown(exchange.id)
    this.#exchanges.delete(streamId)
    this.#dead.add(streamId)
    this.send(frames.rstStream(streamId, errorCode))
  }

  #forget(streamId: number, id: string): void {
    this.#owner.account.disown(id)
    this.#exchanges.delete(streamId)
    this.#dead.add(streamId)
  }

  async #take(frame: Frame): Promise<void> {
    const { typeName, streamId } = frame
    if (typeName === 'PING' && !hasFlag(frame, 'ACK')) this.send(frames.ping(frame.payload, true))
    if (typeName === 'RST_STREAM') this.#exchanges.delete(streamId)
    if (typeName === 'HEADERS') await this.#open(frame)
    const exchange = this.#exchanges.get(streamId)
    if (typeName === 'DATA') this.#content(exchange, contentOf(frame), frame.payload.length)
    const ends = (typeName === 'HEADERS' || typeName === 'DATA') && hasFlag(frame, 'END_STREAM')
    if (ends && exchange !== undefined) this.#complete(exchange)
  }

  async #open(frame: Frame): Promise<void> {
    const { streamId } = frame
    const fields = await this.#peer.fieldsOf(frame)
    if (this.#dead.has(streamId) || streamId > this.#refusedAbove || this.#exchanges.has(streamId)) return
    const value = (wanted: string): string => fields.find(([name]) => name === wanted)?.[1] ?? ''
    this.#lastStreamId = streamId
    const exchange: Exchange = { streamId, id: value(ID_FIELD), path: value(':path'), parts: [], owed: 0 }
    this.#exchanges.set(streamId, exchange)
    this.#streams.set(exchange.id, streamId)
    this.#owner.account.at(exchange.id, 'delivered')
    if (exchange.path.endsWith('/unread')) this.#held(exchange, () => this.#credit(exchange))
  }

  #content(exchange: Exchange | undefined, bytes: Buffer, byteCount: number): void {
    if (byteCount > 0) this.send(frames.windowUpdate(0, byteCount))
    if (exchange === undefined) return
    exchange.parts.push(bytes)
    exchange.owed += byteCount
    this.#owner.account.at(exchange.id, 'content')
    if (!exchange.path.endsWith('/unread') || this.#owner.gates.isOpen(runOf(exchange.id))) this.#credit(exchange)
  }

  #credit(exchange: Exchange): void {
    if (exchange.owed > 0) this.send(frames.windowUpdate(exchange.streamId, exchange.owed))
    exchange.owed = 0
  }

  #complete(exchange: Exchange): void {
    const { id, path, parts, streamId } = exchange
    this.#owner.account.at(id, 'complete')
    const bytes = Buffer.concat(parts)
    const summary = summaryOf(id, bytes.length, hashOf(bytes))
    const answer = (): void => this.#answer(streamId, summary)
    const half = /\/half\/(\d+)$/.exec(path)
    if (half !== null) this.#half(exchange, Number(half[1]))
    else if (path.endsWith('/hold')) this.#held(exchange, answer)
    else answer()
  }

  #half(exchange: Exchange, length: number): void {
    const { streamId } = exchange
    const bytes = patternBytes(length)
    const part = (from: number, to: number): Buffer =>
      frames.data(streamId, bytes.subarray(from, to), { endStream: to === length })
    this.send(frames.headers(streamId, [[':status', '200']]), part(0, length / 2))
    this.#held(exchange, () => {
      this.#exchanges.delete(streamId)
      this.send(part(length / 2, length))
    })
  }

  #answer(streamId: number, text: string): void {
    this.#exchanges.delete(streamId)
    if (this.isOpen) this.#peer.respond(streamId, 200, [], text)
  }

  #held(exchange: Exchange, go: () => void): void {
    this.#owner.gates.pass(runOf(exchange.id), () => {
      if (this.#exchanges.get(exchange.streamId) === exchange && this.isOpen) go()
    })
  }
}

export class ScriptedBackend implements Backend {
  readonly prefix = ''
  readonly buffers = false
  readonly account: Account = new Account()
  readonly gates: Gates = new Gates()
  readonly #conversations: Conversation[] = []
  readonly #peers: ScriptedPeer[] = []
  #http1: OriginServer | undefined

  /** Starts two listeners: with a limit of 100 streams and of one. */
  static async start(tls: Credentials): Promise<ScriptedBackend> {
    const backend = new ScriptedBackend()
    for (const streams of [100, 1]) {
      const script = (peer: ScriptedConnection): Promise<void> => {
        const conversation = new Conversation(peer, backend)
        backend.#conversations.push(conversation)
        return conversation.run(streams)
      }
      backend.#peers.push(await startScriptedPeer(script, { tls }))
    }
    const handler = createHandler({ gates: backend.gates, at: (id, point) => backend.account.at(id, point) })
    backend.#http1 = await startOriginServer({ tls, handler, protocols: ['http/1.1'] })
    return backend
  }

  get port(): number {
    return this.#peers[0]!.port
  }

  get narrowPort(): number {
    return this.#peers[1]!.port
  }

  /** Port of the same handler without HTTP/2. */
  get http1Port(): number {
    return this.#http1!.port
  }

  /** Errors thrown by scripts. */
  get failures(): readonly unknown[] {
    return this.#peers.flatMap(({ failures }) => failures)
  }

  /** The most recent connection. */
  get conversation(): Conversation {
    return this.#conversations.at(-1)!
  }

  reached(id: string, point: Point): Promise<void> {
    return this.account.reached(id, point)
  }

  release(run: string): void {
    this.gates.open(run)
  }

  async deliveries(id: string): Promise<number> {
    // Received frames are processed within the next turns.
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
    return this.account.deliveries(id)
  }

  async quiet(): Promise<void> {
    while (this.#conversations.some(({ isOpen }) => isOpen) || this.#http1!.openSockets > 0) await new Promise(setImmediate)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#peers, this.#http1!].map((server) => server.close()))
  }
}
