/**
 * One TCP connection: two ends and two pipes. Knows FIN, RST, keepalive as Linux does it, and NATs
 * that forget. Must not know Node's sockets or any protocol above.
 */

import type { Trace } from '../kernel/trace.js'
import type { Machine } from './machine.js'
import { Pipe } from './pipe.js'

/** Node fixes ten probes, a second apart. */
const PROBES = 10
const PROBE_INTERVAL_MS = 1_000
/** Bytes of a flow that are read in small slices, on paths that do that. */
const SLICED_BYTES = 20_000
/** Bytes that are read at once. */
const MOST_BYTES = 65_536

/** The owner of an end. */
export interface EndListener {
  onBytes(bytes: Uint8Array): void
  /** The other side has sent FIN. */
  onEnd(): void
  /** The connection is gone: `ECONNRESET`, `ETIMEDOUT`. */
  onError(code: string): void
  /** More may be written. */
  onDrain(): void
}

export type Side = 'client' | 'server'

/** The end of a connection as a server uses it: TCP itself, or TLS over it. */
export interface ServerEnd {
  readonly flow: Flow
  listener: EndListener | undefined
  /** Whether the sender should wait for `onDrain`. */
  readonly full: boolean
  /** Whether its owner has closed it, or the connection is gone. */
  readonly gone: boolean
  write(bytes: Uint8Array): boolean
  end(): void
  close(): void
  reset(): void
}

/** One end of a flow. */
export class End implements ServerEnd {
  readonly flow: Flow
  readonly side: Side
  listener: EndListener | undefined
  #paused = false
  #finSent = false
  #read = 0
  /** Whether its owner has closed it. */
  gone = false

  constructor(flow: Flow, side: Side) {
    this.flow = flow
    this.side = side
  }

  get #out(): Pipe {
    return this.side === 'client' ? this.flow.toServer : this.flow.toClient
  }

  get #in(): Pipe {
    return this.side === 'client' ? this.flow.toClient : this.flow.toServer
  }

  get other(): End {
    return this.side === 'client' ? this.flow.server : this.flow.client
  }

  get full(): boolean {
    return this.#out.full
  }

  /** Sends bytes, and keeps them. Returns false if the sender should wait for `onDrain`. */
  write(bytes: Uint8Array): boolean {
    if (this.gone || this.#finSent || bytes.length === 0) return true
    if (this.flow.sends(this)) this.#out.send(bytes)
    return !this.#out.full
  }

  /** Sends FIN after what was written. */
  end(): void {
    if (this.gone || this.#finSent) return
    this.#finSent = true
    if (this.flow.sends(this)) this.#out.send(undefined)
  }

  /** Closes this end: FIN, or RST if something is unread. Later packets are answered by RST. */
  close(): void {
    if (this.gone) return
    if (this.#in.arrived.hasBytes) return this.reset()
    this.end()
    this.gone = true
    this.flow.noteGone()
  }

  /** Sends RST. */
  reset(): void {
    if (this.gone) return
    this.gone = true
    this.#out.close()
    this.flow.sendReset(this)
    this.flow.noteGone()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (this.#in.arrived.length > 0) this.readable()
  }

  /** Reads what has arrived. */
  readable(): void {
    const { arrived } = this.#in
    const sliceBytes = this.#read < SLICED_BYTES ? (this.flow.machine.path.sliceBytes ?? MOST_BYTES) : MOST_BYTES
    while (!this.#paused && arrived.length > 0) {
      const { first } = arrived
      if (this.gone) {
        arrived.shift()
        if (first !== undefined) return this.flow.sendReset(this)
        continue
      }
      if (first === undefined) {
        arrived.shift()
        this.flow.trace.note(`flow ${this.flow.id} ${this.side === 'client' ? '←' : '→'} FIN`)
        this.listener?.onEnd()
        continue
      }
      if (first.length > sliceBytes) arrived.replaceFirst(first.subarray(sliceBytes))
      else arrived.shift()
      const bytes = first.length > sliceBytes ? first.subarray(0, sliceBytes) : first
      this.flow.trace.segment(this.flow.id, this.side === 'server', bytes)
      this.flow.heard(this)
      this.#read += bytes.length
      this.#in.credit(bytes.length)
      this.listener?.onBytes(bytes)
    }
  }

  /** The connection is gone. */
  fail(code: string): void {
    if (this.gone) return
    this.gone = true
    this.#out.close()
    this.#in.close()
    this.#in.arrived.clear()
    this.flow.trace.note(`flow ${this.flow.id} ${this.side} ${code}`)
    this.flow.noteGone()
    this.listener?.onError(code)
  }

  drained(): void {
    if (!this.gone) this.listener?.onDrain()
  }
}

export class Flow {
  readonly id: number
  readonly machine: Machine
  readonly trace: Trace
  readonly client: End = new End(this, 'client')
  readonly server: End = new End(this, 'server')
  readonly toServer: Pipe
  readonly toClient: Pipe
  readonly remoteAddress: string
  readonly remotePort: number
  /** Set by what the server speaks on it, for reports. */
  label = ''
  #lastPacketAt: number
  #heardAt: number
  #forgotten = false
  #keepAliveMs: number | undefined
  #failedProbes = 0

  constructor(id: number, machine: Machine, remote: { address: string; port: number }, trace: Trace) {
    this.id = id
    this.machine = machine
    this.trace = trace
    this.remoteAddress = remote.address
    this.remotePort = remote.port
    this.#lastPacketAt = machine.kernel.now
    this.#heardAt = machine.kernel.now
    const connected = (): boolean => !this.#forgotten
    // Servers read once their processes run; the client's process reads from its inbox.
    this.toServer = new Pipe(machine, 'toServer', {
      connected,
      readable: () => machine.run(() => this.server.readable()),
      writable: () => this.client.drained(),
      timedOut: () => this.#giveUp(this.client),
    })
    this.toClient = new Pipe(machine, 'toClient', {
      connected,
      readable: () => this.client.readable(),
      writable: () => machine.run(() => this.server.drained()),
      timedOut: () => this.#giveUp(this.server),
    })
    machine.flows.add(this.server)
  }

  /** Whether a packet that `end` sends now enters the network. */
  sends(end: End): boolean {
    const { nat } = this.machine.path
    const { kernel } = this.machine
    const silentMs = kernel.now - this.#lastPacketAt
    if (nat !== undefined && !this.#forgotten && this.#unrefreshedMs(silentMs) >= nat.forgetAfterMs) {
      this.#forgotten = true
      this.trace.note(`flow ${this.id} forgotten by a NAT`)
    }
    this.#lastPacketAt = kernel.now
    if (!this.#forgotten || nat?.mode !== 'reset') return true
    kernel.after(this.machine.delayMs(), () => end.fail('ECONNRESET'))
    return false
  }

  /** The longest time without a packet, given that keepalive sends some while the machine is awake. */
  #unrefreshedMs(silentMs: number): number {
    if (this.#keepAliveMs === undefined || silentMs <= this.#keepAliveMs) return silentMs
    return Math.min(silentMs, this.#keepAliveMs + this.machine.kernel.sleptSince(this.#lastPacketAt))
  }

  /** Retransmission has ended without an acknowledgment, even if the owner of the end has closed it. */
  #giveUp(sender: End): void {
    sender.fail('ETIMEDOUT')
    ;(sender.side === 'client' ? this.toServer : this.toClient).close()
  }

  /** The network knows the flow no more: the address of the client's machine has changed. */
  forget(): void {
    this.#forgotten = true
    this.trace.note(`flow ${this.id} forgotten`)
  }

  /** `end` has received a packet. */
  heard(end: End): void {
    this.#lastPacketAt = this.machine.kernel.now
    if (end.side === 'client') this.#heardAt = this.machine.kernel.now
  }

  sendReset(from: End): void {
    const { machine } = this
    this.trace.note(`flow ${this.id} ${from.side} sends RST`)
    machine.kernel.after(machine.delayMs(), () => {
      if (!machine.up(from.side === 'client' ? 'toServer' : 'toClient') || this.#forgotten) return
      if (from.other.side === 'server') machine.run(() => from.other.fail('ECONNRESET'))
      else from.other.fail('ECONNRESET')
    })
  }

  noteGone(): void {
    if (this.server.gone) this.machine.flows.delete(this.server)
  }

  /** Turns on keepalive at the client's end: `SO_KEEPALIVE` and `TCP_KEEPIDLE`. */
  setKeepAlive(idleMs: number): void {
    const isOn = this.#keepAliveMs !== undefined
    this.#keepAliveMs = idleMs
    if (!isOn) this.machine.kernel.after(idleMs, () => this.#probe())
  }

  #probe(): void {
    if (this.client.gone) return
    const { kernel } = this.machine
    const idleMs = this.#keepAliveMs!
    const dueInMs = this.#heardAt + idleMs - kernel.now
    // No probes while sent bytes are unacknowledged (tcp_keepalive_timer): retransmission decides then.
    if (dueInMs > 0 || kernel.asleep || this.toServer.unacknowledged) {
      this.#failedProbes = 0
      kernel.after(Math.max(dueInMs, PROBE_INTERVAL_MS), () => this.#probe())
      return
    }
    if (this.machine.up('toServer') && this.machine.up('toClient') && !this.#forgotten) {
      // A server that has closed still acknowledges while its last bytes are in flight or unread.
      if (this.server.gone && this.toClient.bytes === 0) return this.client.fail('ECONNRESET')
      this.#failedProbes = 0
      this.#heardAt = kernel.now
      this.#lastPacketAt = kernel.now
      kernel.after(idleMs, () => this.#probe())
      return
    }
    if (this.#failedProbes++ === PROBES) return this.client.fail('ETIMEDOUT')
    kernel.after(PROBE_INTERVAL_MS, () => this.#probe())
  }
}
