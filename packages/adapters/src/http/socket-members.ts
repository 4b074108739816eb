/** The members of `request.socket` that libraries read or call: the addresses and TLS of the connection, which serves other requests as well. */

import { isIP } from 'node:net'
import type { ConnectionInfo } from '@unshard/core'

/** Members of a socket, for the two kinds that requests show. */
export class SocketMembers {
  declare encrypted: boolean
  /** Set with the response. */
  declare connection: ConnectionInfo | undefined

  /** A connection is chosen for each request: to its caller it is always open. */
  get connecting(): boolean {
    return false
  }

  /** A certificate that is not valid ends the request. */
  get authorized(): boolean {
    return this.encrypted
  }

  get authorizationError(): null {
    return null
  }

  get remoteAddress(): string | undefined {
    return this.connection?.remoteAddress
  }

  get remotePort(): number | undefined {
    return this.connection?.remotePort
  }

  get remoteFamily(): string | undefined {
    return familyOf(this.remoteAddress)
  }

  get localAddress(): string | undefined {
    return this.connection?.localAddress
  }

  get localPort(): number | undefined {
    return this.connection?.localPort
  }

  get alpnProtocol(): string | false {
    const { connection } = this
    if (connection?.protocol === 'h2') return 'h2'
    return connection?.tls === undefined ? false : 'http/1.1'
  }

  address(): object {
    const { localAddress: address, localPort: port } = this
    return address === undefined ? {} : { address, port, family: familyOf(address) }
  }

  /** Returns the protocol version, as `tls.TLSSocket` does. */
  getProtocol(): string | null {
    return this.connection?.tls?.version ?? null
  }

  isSessionReused(): boolean {
    return this.connection?.tls?.resumed ?? false
  }

  // The connection sets these for all of its requests: see the options of the client.
  setKeepAlive(): this {
    return this
  }

  setNoDelay(): this {
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }
}

function familyOf(address: string | undefined): string | undefined {
  return address === undefined ? undefined : `IPv${isIP(address)}`
}
