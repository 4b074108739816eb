/** `--connect-to`: connections to another host and port than those of the URL. */

import { connect, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { invalidValue } from '../errors.js'
import { hostOf } from '../values.js'

/** One `HOST1:PORT1:HOST2:PORT2`; an empty part matches everything, or changes nothing. */
export interface ConnectTo {
  readonly from: string | undefined
  readonly fromPort: number | undefined
  readonly host: string | undefined
  readonly port: number | undefined
}

/** Reads one value. @throws CommandError. */
export function connectToOf(text: string): ConnectTo {
  const [, from, fromPort, host, port] = /^(\[[^\]]*\]|[^:]*):([0-9]{0,5}):(\[[^\]]*\]|[^:]*):([0-9]{0,5})$/.exec(text) ?? []
  if (from === undefined || host === undefined) throw invalidValue('--connect-to', 'HOST1:PORT1:HOST2:PORT2', text)
  const number = (part: string | undefined): number | undefined => (part === '' || part === undefined ? undefined : Number(part))
  const name = (part: string): string | undefined => (part === '' ? undefined : (hostOf(part) ?? part.replace(/^\[|\]$/g, '')))
  return { from: name(from), fromPort: number(fromPort), host: name(host), port: number(port) }
}

/** Returns where a connection to `host` and `port` goes. */
export function endpointOf(
  routes: readonly ConnectTo[],
  host: string,
  port: number,
): { readonly host: string; readonly port: number } {
  const route = routes.find(
    ({ from, fromPort }) => (from === undefined || from === host) && (fromPort === undefined || fromPort === port),
  )
  return { host: route?.host ?? host, port: route?.port ?? port }
}

/** A socket that takes bytes at once, and sends them when it is connected. */
export class LaterSocket extends Duplex {
  readonly #socket: Socket
  readonly remoteAddress: string
  readonly remotePort: number

  constructor(address: string, port: number) {
    super({ allowHalfOpen: false })
    this.remoteAddress = address
    this.remotePort = port
    const socket = connect({ host: address, port, noDelay: true })
    this.#socket = socket
    socket.on('data', (part: Buffer) => void (this.push(part) || socket.pause()))
    socket.on('end', () => void this.push(null))
    socket.on('error', (error) => void this.destroy(error))
    socket.on('close', () => void this.destroy())
    socket.unref()
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(part: Uint8Array, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#socket.ref()
    this.#socket.write(part, callback)
  }

  override _final(callback: () => void): void {
    this.#socket.end(callback)
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#socket.destroy()
    callback(error)
  }
}
