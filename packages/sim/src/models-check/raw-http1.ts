/** A raw HTTP/1.1 client over real TLS. */

import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { connect, type TLSSocket } from 'node:tls'

const POLL_MS = 10

export class RawHttp1 {
  readonly #socket: TLSSocket
  readonly #host: string
  text = ''
  closedAt: number | undefined

  private constructor(socket: TLSSocket, host: string) {
    this.#socket = socket
    this.#host = host
    socket.on('data', (bytes: Buffer) => {
      this.text += bytes.toString('latin1')
    })
    socket.on('error', () => undefined)
    for (const event of ['end', 'close']) {
      socket.on(event, () => {
        this.closedAt ??= Date.now()
      })
    }
  }

  static async connect(port: number, host: string): Promise<RawHttp1> {
    const socket = connect({ port, host: '127.0.0.1', servername: host, ALPNProtocols: ['http/1.1'], rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    return new RawHttp1(socket, host)
  }

  /** Makes a request, and waits until nothing arrives for a moment. Returns the head of the response, in lower case. */
  async get(path: string): Promise<string> {
    this.text = ''
    this.#socket.write(this.#request(path))
    const endsAt = Date.now() + 5_000
    for (let seen = -1; Date.now() < endsAt; await pause(50)) {
      if (this.text.includes('\r\n\r\n') && this.text.length === seen) break
      seen = this.text.length
      if (this.closedAt !== undefined) break
    }
    return this.text.slice(0, this.text.indexOf('\r\n\r\n')).toLowerCase()
  }

  /** Makes requests one after the other, until the server ends the connection. Returns the number of responses. */
  async repeat(path: string, most: number): Promise<number> {
    this.text = ''
    let responses = 0
    for (; responses < most && this.closedAt === undefined; responses++) {
      this.#socket.write(this.#request(path))
      if (!(await this.#responses(responses + 1))) break
    }
    return responses
  }

  /** Waits for a number of responses. Returns whether they came. */
  async #responses(count: number): Promise<boolean> {
    for (const endsAt = Date.now() + 5_000; Date.now() < endsAt; await pause(0)) {
      if (this.text.split('HTTP/1.1 200').length > count) return true
      if (this.closedAt !== undefined) break
    }
    return false
  }

  /** Waits for the end of the connection. */
  async end(limitMs: number): Promise<number | undefined> {
    for (const endsAt = Date.now() + limitMs; this.closedAt === undefined && Date.now() < endsAt; ) await pause(POLL_MS)
    return this.closedAt
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #request(path: string): string {
    return `GET ${path} HTTP/1.1\r\nhost: ${this.#host}\r\nconnection: keep-alive\r\n\r\n`
  }
}
