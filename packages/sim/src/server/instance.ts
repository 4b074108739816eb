/**
 * One server process: its connections, and how it starts, deploys and dies. Chooses the protocol by
 * ALPN as its TLS does.
 */

import type { Kernel } from '../kernel/kernel.js'
import type { Ledger } from '../ledger/ledger.js'
import type { End, ServerEnd } from '../network/flow.js'
import type { Machine } from '../network/machine.js'
import type { ServerScript } from '../script/script.js'
import type { Application, Place } from './application.js'
import type { ConnectionOwner, ServerConnection } from './connection-owner.js'
import type { RequestHead, ServerExchange } from './exchange.js'
import { Http1ServerConnection } from './h1/connection.js'
import { Http2ServerConnection } from './h2/connection.js'
import type { ServerModel } from './model.js'

/** Times at which frames arrived on one connection, in milliseconds. */
export interface FrameTimes {
  readonly flow: number
  readonly pings: number[]
  readonly resets: number[]
}

/** The surroundings of an instance. */
export interface InstanceDeps {
  readonly kernel: Kernel
  readonly ledger: Ledger
  readonly machine: Machine
  readonly address: string
  readonly application: Application
  /** Accepts TLS: modelled or real. */
  readonly acceptTls: AcceptTls
}

/** Waits for the handshake of a client, then calls `next` with the end to use and the chosen protocol. */
export type AcceptTls = (end: End, owner: ConnectionOwner, next: (end: ServerEnd, protocol: string | undefined) => void) => void

export class Instance implements ConnectionOwner {
  readonly kernel: Kernel
  readonly ledger: Ledger
  readonly machine: Machine
  readonly script: ServerScript
  readonly model: ServerModel
  readonly connections: Set<ServerConnection> = new Set()
  readonly #deps: InstanceDeps
  #refusals = 0
  /** Whether connections are accepted and not served, as a balancer does whose server is gone. */
  hung = false
  /** Tickets of this process: another one does not know them. */
  tickets: Set<string> = new Set()
  /** Times at which frames of the client arrived, by flow. */
  readonly counts: Map<number, FrameTimes> = new Map()

  constructor(deps: InstanceDeps, script: ServerScript, model: ServerModel) {
    this.kernel = deps.kernel
    this.ledger = deps.ledger
    this.machine = deps.machine
    this.script = script
    this.model = model
    this.#deps = deps
  }

  /** Takes a TCP connection. */
  accept(end: End, secure: boolean): void {
    if (this.hung || this.script.ill === 'silent') return ignore(end)
    if (secure) this.#deps.acceptTls(end, this, (secured, protocol) => this.#serve(secured, protocol))
    else this.#serve(end, 'http/1.1')
  }

  #serve(end: ServerEnd, protocol: string | undefined): void {
    const { h2, h1 } = this.model
    const { ill } = this.script
    if (ill === 'mute') return ignore(end)
    if (ill === 'closes') return end.close()
    end.flow.label = `${this.model.name} ${protocol ?? 'http/1.1'}`
    const connection =
      protocol === 'h2' && h2 !== undefined
        ? // An ill server ends in the same way, whatever its model: others would serve some requests.
          new Http2ServerConnection(end, this, ill === 'goaway' ? { ...h2, shutdown: 'last' } : h2)
        : new Http1ServerConnection(end, this, h1 ?? { idleMs: 5_000 })
    this.connections.add(connection)
    if (ill === 'goaway') connection.shutdown()
  }

  /** Executes a request, or answers for a host that it does not have. */
  take(exchange: ServerExchange, end: ServerEnd): void {
    const { hosts, certificate } = this.script
    const host = exchange.head.authority.replace(/:\d+$/, '')
    const place = this.#place(end)
    if (hosts === undefined || hosts.includes(host)) return this.#deps.application.begin(exchange, place)
    const { unknownHost } = this.model
    if (unknownHost === 'serve') {
      this.ledger.find(
        'misrouted',
        `${host} arrived at a server for ${hosts.join(' ')} (certificate ${certificate.join(' ')})`,
        exchange.head.id,
      )
      return this.#deps.application.begin(exchange, place)
    }
    this.#deps.application.noteRefused(exchange.head, place)
    exchange.respond(unknownHost, 0)
    exchange.finish()
  }

  /** Notes a request that is not executed. */
  refuse(head: RequestHead, end: ServerEnd): void {
    this.#deps.application.noteRefused(head, this.#place(end))
  }

  /** Whether an ill server refuses this stream. */
  refusesNext(): boolean {
    return this.script.ill === 'refuses' && this.#refusals++ % 2 === 1
  }

  checkUpload(id: number, received: number): void {
    const expected = this.ledger.records.get(id)?.script.upload?.bytes ?? 0
    if (received !== expected)
      this.ledger.find('content', `the server received ${received} of ${expected} bytes as a complete request`, id)
  }

  complain(why: string, end: ServerEnd): void {
    this.ledger.find('complaint', `${this.model.name} at ${this.#deps.address} ended flow ${end.flow.id}: ${why}`)
    this.ledger.complain(why)
  }

  /** Notes a PING or a RST_STREAM of the client. */
  noteFrame(end: ServerEnd, kind: 'pings' | 'resets'): void {
    const { id: flow } = end.flow
    let times = this.counts.get(flow)
    if (times === undefined) {
      times = { flow, pings: [], resets: [] }
      this.counts.set(flow, times)
    }
    times[kind].push(this.kernel.now)
  }

  /** Sends FIN, and reads on for the lingering time, so that the last bytes arrive. */
  closeSlowly(end: ServerEnd): void {
    const { lingerMs } = this.model
    if (lingerMs === 0) return end.close()
    end.end()
    end.listener = { onBytes() {}, onEnd: () => end.close(), onError() {}, onDrain() {} }
    if (Number.isFinite(lingerMs)) this.kernel.after(lingerMs, () => end.close())
  }

  /** Reload or deployment: connections end gracefully, and tickets are forgotten. */
  deploy(): void {
    for (const connection of [...this.connections]) connection.shutdown()
  }

  kill(): void {
    for (const connection of [...this.connections]) connection.kill()
    this.connections.clear()
    this.tickets = new Set()
  }

  #place(end: ServerEnd): Place {
    const { machine, script } = this
    return { machine, address: this.#deps.address, flow: end.flow.id, script, secure: end.flow.remotePort === 443 }
  }
}

/** Reads nothing and answers nothing, until the client closes. */
function ignore(end: ServerEnd): void {
  end.listener = { onBytes() {}, onEnd: () => end.close(), onError() {}, onDrain() {} }
}
