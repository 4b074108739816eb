/** `--connect-to`: connections to another host and port than those of the URL. */

import { connect, isIP, type Socket } from 'node:net'
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
  const [from, fromPort, host, port] = partsOf(text)
  const ports = [fromPort, port].filter((each) => each !== undefined && each !== '')
  if (from === undefined || ports.some((each) => !/^[0-9]{1,5}$/.test(each!))) {
    throw invalidValue('--connect-to', 'HOST1:PORT1:HOST2:PORT2', text)
  }
  const number = (part: string | undefined): number | undefined => (part === '' || part === undefined ? undefined : Number(part))
  const name = (part: string | undefined): string | undefined =>
    part === '' || part === undefined ? undefined : (hostOf(part) ?? part.replace(/^\[|\]$/g, ''))
  return { from: name(from), fromPort: number(fromPort), host: name(host), port: number(port) }
}

/** Splits at colons outside brackets. Empty for more than four parts. */
function partsOf(text: string): string[] {
  const parts = ['']
  let isInBrackets = false
  for (const character of text) {
    if (character === '[' || character === ']') isInBrackets = character === '['
    if (character === ':' && !isInBrackets) parts.push('')
    else parts[parts.length - 1] += character
  }
  return parts.length > 4 ? [] : parts
}

/** Where a {@link LaterSocket} connects to, and from. */
export interface LaterEndpoint {
  /** Name or address. */
  readonly host: string
  readonly port: number
  /** 0 is both families. */
  readonly family: 0 | 4 | 6
  /** The system's choice if `undefined`. */
  readonly localAddress: string | undefined
}

/** A socket that takes bytes at once, and sends them when it is connected. */
export class LaterSocket extends Duplex {
  readonly #socket: Socket
  /** Known at once if an address was passed. */
  readonly remoteAddress: string | undefined
  readonly remotePort: number

  constructor({ host, port, family, localAddress }: LaterEndpoint) {
    super({ allowHalfOpen: false })
    this.remoteAddress = isIP(host) === 0 ? undefined : host
    this.remotePort = port
    const socket = connect({ host, port, family, noDelay: true, ...(localAddress !== undefined && { localAddress }) })
    this.#socket = socket
    // A client that gives up a connection listens no longer.
    this.on('error', () => undefined)
    socket.on('data', (part: Buffer) => void (this.push(part) || socket.pause()))
    socket.on('end', () => void this.push(null))
    socket.on('error', (error) => void this.destroy(error))
    socket.on('close', () => void this.destroy())
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(part: Uint8Array, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
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
