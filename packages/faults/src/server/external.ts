/** External servers as reverse proxies in front of our handler. */

import { type Credentials, type ExternalServer, type ExternalServerName, externalServers } from '@unshard/testkit'
import { Account, type Backend, Gates, type Point } from './account.js'
import { createHandler } from './handler.js'

/** Servers that send GOAWAY when they reload. */
export const RELOADING = ['nginx', 'apache', 'haproxy', 'caddy'] as const

export class ExternalBackend implements Backend {
  readonly prefix = '/behind'
  readonly buffers = true
  readonly server: ExternalServer
  readonly #account: Account
  readonly #gates: Gates

  private constructor(server: ExternalServer, account: Account, gates: Gates) {
    this.server = server
    this.#account = account
    this.#gates = gates
  }

  /** Resolves with `undefined` if the program is not installed. */
  static async start(name: string, tls: Credentials): Promise<ExternalBackend | undefined> {
    const [account, gates] = [new Account(), new Gates()]
    const behind = createHandler({ gates, at: (id, point) => account.at(id, point) })
    const server = await externalServers[name as ExternalServerName]({ tls, behind })
    return server && new ExternalBackend(server, account, gates)
  }

  get port(): number {
    return this.server.port
  }

  get narrowPort(): number {
    return this.server.port
  }

  reached(id: string, point: Point): Promise<void> {
    return this.#account.reached(id, point)
  }

  release(run: string): void {
    this.#gates.open(run)
  }

  deliveries(id: string): Promise<number> {
    return Promise.resolve(this.#account.deliveries(id))
  }

  /**
   * Their sockets are not visible here: the proxy observes connections that the client leaves open.
   */
  quiet(): Promise<void> {
    return Promise.resolve()
  }

  close(): Promise<void> {
    return this.server.stop()
  }
}
