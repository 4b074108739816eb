/**
 * The client's sockets: `net.Socket` without a handle, over a modelled TCP connection. Behaves as
 * Node's where core relies on it: reads by `onread`, `connect`, half-close, errors by code.
 */

import { type NetConnectOpts, type OnReadOpts, Socket, type TcpNetConnectOpts } from 'node:net'
import type { Kernel } from '../kernel/kernel.js'
import type { End } from './flow.js'
import type { Network } from './network.js'

/** The world as sockets see it. */
export interface SocketWorld {
  readonly kernel: Kernel
  readonly network: Network
  /** Sockets that are not closed. */
  readonly sockets: Set<SimSocket>
}

type Done = (error?: Error | null) => void

/** An error as libuv reports it. */
export function systemError(code: string, syscall: string, remote?: { host: string; port: number }): NodeJS.ErrnoException {
  const where = remote === undefined ? '' : ` ${remote.host}:${remote.port}`
  const details = remote === undefined ? {} : { address: remote.host, port: remote.port }
  return Object.assign(new Error(`${syscall} ${code}${where}`), { code, syscall, errno: -1, ...details })
}

/** `net.Socket` gets text as it was written. */
export function bytesOf(data: Buffer | string, encoding: string): Buffer {
  return typeof data === 'string' ? Buffer.from(data, encoding as BufferEncoding) : data
}

export class SimSocket extends Socket {
  protected readonly world: SocketWorld
  readonly #onread: OnReadOpts | undefined
  protected end_: End | undefined
  #giveUp: (() => void) | undefined
  #waiting: (() => void) | undefined
  #referenced = true
  #localPort = 0
  /** Bytes that arrived while reading was stopped. */
  #stopped = false

  constructor(world: SocketWorld, onread?: OnReadOpts) {
    super({ allowHalfOpen: false })
    this.world = world
    this.#onread = onread
    world.sockets.add(this)
  }

  /** Starts to connect, as `net.connect` does: the name is looked up first if `lookup` is given. */
  dial(options: TcpNetConnectOpts): this {
    this.#setConnecting(true)
    const { host = '127.0.0.1', port, lookup } = options
    if (lookup === undefined) this.#dial(host, port)
    else {
      lookup(host, { all: false }, (error, address) => {
        if (this.destroyed) return
        if (error) this.destroy(error)
        else this.#dial(address as string, port)
      })
    }
    return this
  }

  #dial(host: string, port: number): void {
    const { kernel, network } = this.world
    this.#giveUp = network.dial({
      address: host,
      port,
      onConnected: (end) => this.#established(end),
      onFailed: (code) => kernel.deliver(() => !this.destroyed && this.destroy(systemError(code, 'connect', { host, port }))),
    })
  }

  /** The kernel has the connection; the process learns of it in its next turn. */
  #established(end: End): void {
    this.#giveUp = undefined
    this.#localPort = 40_000 + end.flow.id
    const { kernel } = this.world
    end.listener = {
      onBytes: (bytes) => kernel.deliver(() => this.#received(bytes)),
      onEnd: () => kernel.deliver(() => this.#ended()),
      onError: (code) => kernel.deliver(() => !this.destroyed && this.destroy(systemError(code, 'read'))),
      onDrain: () => kernel.deliver(() => this.#proceed()),
    }
    this.end_ = end
    kernel.deliver(() => {
      if (this.destroyed) return
      this.#setConnecting(false)
      this.emit('connect')
      this.emit('ready')
      this.onConnected()
      this.#proceed()
      this.read(0)
    })
  }

  /** Called when TCP is connected. */
  protected onConnected(): void {}

  /** Called with bytes of TCP. Returns those for the reader. */
  protected onWire(bytes: Uint8Array): Uint8Array | undefined {
    return bytes
  }

  /** Whether the writer may write to TCP. */
  protected get open(): boolean {
    return !this.connecting && this.end_ !== undefined
  }

  #received(bytes: Uint8Array): void {
    if (this.destroyed) return
    const read = this.onWire(bytes)
    if (read !== undefined && read.length > 0) this.pass(read)
  }

  /** Passes bytes to the reader. */
  protected pass(bytes: Uint8Array): void {
    const onread = this.#onread
    if (onread === undefined) {
      if (!this.push(Buffer.from(bytes))) this.#stop()
      return
    }
    const buffer = onread.buffer as Buffer
    if (bytes.length <= buffer.length) {
      buffer.set(bytes)
      if (onread.callback(bytes.length, buffer) === false) this.#stop()
      return
    }
    for (let at = 0; at < bytes.length && !this.destroyed; at += buffer.length) {
      const part = bytes.subarray(at, at + buffer.length)
      buffer.set(part)
      if (onread.callback(part.length, buffer) === false) this.#stop()
    }
  }

  #stop(): void {
    this.#stopped = true
    this.end_?.pause()
  }

  #ended(): void {
    if (this.destroyed) return
    this.onWireEnd()
  }

  protected onWireEnd(): void {
    this.push(null)
    this.read(0)
  }

  /** Continues a write that waited for the connection, or for room. */
  #proceed(): void {
    const waiting = this.#waiting
    if (waiting === undefined || !this.open) return
    this.#waiting = undefined
    waiting()
  }

  /** To be called when {@link open} became true. */
  protected opened(): void {
    this.#proceed()
  }

  override _read(): void {
    if (!this.#stopped) return
    this.#stopped = false
    this.end_?.resume()
  }

  override pause(): this {
    if (this.#onread !== undefined && !this.connecting) this.#stop()
    return super.pause()
  }

  override resume(): this {
    if (this.#onread !== undefined && !this.connecting) this._read()
    return super.resume()
  }

  override _write(data: Buffer | string, encoding: string, done: Done): void {
    const chunk = bytesOf(data, encoding)
    if (this.open) this.#send([chunk], done)
    else this.#waiting = () => this.#send([chunk], done)
  }

  override _writev(chunks: { chunk: Buffer | string; encoding: string }[], done: Done): void {
    const list = chunks.map(({ chunk, encoding }) => bytesOf(chunk, encoding))
    if (this.open) this.#send(list, done)
    else this.#waiting = () => this.#send(list, done)
  }

  #send(chunks: readonly Buffer[], done: Done): void {
    const end = this.end_!
    if (end.gone) return done(systemError('EPIPE', 'write'))
    // One copy, because the writer may use its memory again.
    const ready = end.write(chunks.length === 1 ? Buffer.from(chunks[0]!) : Buffer.concat(chunks))
    if (ready) done()
    else this.#waiting = () => done()
  }

  override _final(done: Done): void {
    const finish = (): void => {
      this.end_?.end()
      done()
    }
    if (this.open) finish()
    else this.#waiting = finish
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#giveUp?.()
    this.end_?.close()
    this.#waiting = undefined
    this.#setConnecting(false)
    this.world.sockets.delete(this)
    this.world.kernel.deliver(() => this.emit('close', error !== null))
    done(error)
  }

  override setKeepAlive(enable?: boolean, idleMs?: number): this {
    if (enable === true) this.end_?.flow.setKeepAlive(idleMs ?? 7_200_000)
    return this
  }

  override setNoDelay(): this {
    return this
  }

  override ref(): this {
    this.#referenced = true
    return this
  }

  override unref(): this {
    this.#referenced = false
    return this
  }

  get referenced(): boolean {
    return this.#referenced
  }

  /** Read by Node's getters of `remoteAddress` and its like. */
  _getpeername(): object {
    const flow = this.end_?.flow
    return flow === undefined ? {} : { address: flow.remoteAddress, port: flow.remotePort, family: 'IPv4' }
  }

  _getsockname(): object {
    return this.end_ === undefined ? {} : { address: '10.9.9.9', port: this.#localPort, family: 'IPv4' }
  }

  #setConnecting(connecting: boolean): void {
    ;(this as { connecting: boolean }).connecting = connecting
  }
}

/** `net.connect` of the world. */
export function connectSocket(world: SocketWorld, options: NetConnectOpts): SimSocket {
  const tcp = options as TcpNetConnectOpts
  return new SimSocket(world, tcp.onread).dial(tcp)
}
