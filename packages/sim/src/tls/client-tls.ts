/** `tls.connect` of the world: a socket with a modelled handshake, over TCP or over any stream. */

import type { OnReadOpts, TcpNetConnectOpts } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ConnectionOptions, PeerCertificate, TLSSocket } from 'node:tls'
import { bytesOf, SimSocket, type SocketWorld } from '../network/client-socket.js'
import { certificateFor } from './certificates.js'
import { type ClientHello, encodeMessage, MessageReader, type ServerHello } from './messages.js'

type Options = ConnectionOptions & { readonly onread?: OnReadOpts | undefined }
type Done = (error?: Error | null) => void

export class SimTlsSocket extends SimSocket {
  readonly #options: Options
  readonly #carrier: Duplex | undefined
  readonly #reader = new MessageReader<ServerHello>()
  #hello: ServerHello | undefined
  #secured = false
  alpnProtocol: string | false | null = null
  authorized = false
  authorizationError: Error | undefined
  readonly encrypted = true

  constructor(world: SocketWorld, options: Options) {
    super(world, options.onread)
    this.#options = options
    this.#carrier = options.socket as Duplex | undefined
    if (this.#carrier === undefined) this.dial(options as unknown as TcpNetConnectOpts)
    else this.#overCarrier(this.#carrier)
  }

  protected override onConnected(): void {
    this.end_!.write(encodeMessage(this.#clientHello()))
  }

  protected override get open(): boolean {
    return this.#secured && (this.#carrier !== undefined || super.open)
  }

  protected override onWire(bytes: Uint8Array): Uint8Array | undefined {
    if (this.#secured) return bytes
    const read = this.#reader.push(bytes)
    if (this.#reader.isForeign)
      this.destroy(Object.assign(new Error('wrong version number'), { code: 'ERR_SSL_WRONG_VERSION_NUMBER' }))
    if (read === undefined) return undefined
    this.#finish(read.message)
    return this.destroyed ? undefined : read.rest
  }

  protected override onWireEnd(): void {
    if (this.#secured) super.onWireEnd()
    // As Node: "Client network socket disconnected before secure TLS connection was established".
    else
      this.destroy(
        Object.assign(new Error('Client network socket disconnected before secure TLS connection was established'), {
          code: 'ECONNRESET',
        }),
      )
  }

  #overCarrier(carrier: Duplex): void {
    carrier.on('data', (bytes: Buffer) => {
      if (this.destroyed) return
      const read = this.onWire(bytes)
      if (read !== undefined && read.length > 0) this.pass(read)
    })
    carrier.on('end', () => !this.destroyed && this.onWireEnd())
    carrier.on('error', () => !this.destroyed && this.onWireEnd())
    carrier.on('close', () => this.destroy())
    carrier.write(encodeMessage(this.#clientHello()))
  }

  override _write(chunk: Buffer | string, encoding: string, done: Done): void {
    if (this.#carrier === undefined) super._write(chunk, encoding, done)
    else if (this.#secured) this.#carrier.write(Buffer.from(bytesOf(chunk, encoding)), () => done())
    else this.once('secureConnect', () => this._write(chunk, encoding, done))
  }

  override _writev(chunks: { chunk: Buffer | string; encoding: string }[], done: Done): void {
    if (this.#carrier === undefined) super._writev(chunks, done)
    else this._write(Buffer.concat(chunks.map(({ chunk, encoding }) => bytesOf(chunk, encoding))), 'buffer', done)
  }

  override _final(done: Done): void {
    if (this.#carrier === undefined) return super._final(done)
    this.#carrier.end()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#carrier?.destroy()
    super._destroy(error, done)
  }

  /** As Node's `TLSWrap`, which passes both to the handle below. */
  override ref(): this {
    ;(this.#carrier as SimSocket | undefined)?.ref?.()
    return super.ref()
  }

  override unref(): this {
    ;(this.#carrier as SimSocket | undefined)?.unref?.()
    return super.unref()
  }

  #clientHello(): ClientHello {
    const { servername = '', ALPNProtocols, session } = this.#options
    const alpn = (ALPNProtocols as string[] | undefined) ?? []
    return { servername, alpn, ticket: session === undefined ? undefined : session.toString('latin1') }
  }

  /** The second half of the handshake: what OpenSSL and Node check. */
  #finish(hello: ServerHello): void {
    const { alert } = hello
    if (alert !== undefined) {
      this.destroy(Object.assign(new Error(alert.message), { code: alert.code }))
      return
    }
    this.#hello = hello
    const { checkServerIdentity, rejectUnauthorized, host = '' } = this.#options
    const certificate = certificateFor(hello.names, hello.trusted)
    let problem: Error | undefined
    if (!certificate.trusted) {
      problem = Object.assign(new Error('unable to verify the first certificate'), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
    } else if (!hello.resumed) problem = checkServerIdentity?.(host, certificate.peer)
    this.authorized = problem === undefined
    if (problem !== undefined && rejectUnauthorized !== false) {
      this.destroy(problem)
      return
    }
    this.alpnProtocol = hello.protocol ?? false
    this.#secured = true
    this.emit('secureConnect')
    if (hello.ticket !== undefined) this.emit('session', Buffer.from(hello.ticket, 'latin1'))
    this.opened()
  }

  getPeerCertificate(): PeerCertificate {
    const hello = this.#hello!
    return certificateFor(hello.names, hello.trusted).peer
  }

  isSessionReused(): boolean {
    return this.#hello?.resumed === true
  }

  getProtocol(): string {
    return 'TLSv1.3'
  }

  getCipher(): { name: string; standardName: string; version: string } {
    return { name: 'TLS_AES_128_GCM_SHA256', standardName: 'TLS_AES_128_GCM_SHA256', version: 'TLSv1.3' }
  }

  getEphemeralKeyInfo(): { type: string; name: string; size: number } {
    return { type: 'ECDH', name: 'X25519', size: 253 }
  }
}

/** `tls.connect` of the world. */
export function connectTls(world: SocketWorld, options: ConnectionOptions): TLSSocket {
  return new SimTlsSocket(world, options as Options) as unknown as TLSSocket
}
