// Server side of SOCKS 5 (RFC 1928, RFC 1929), SOCKS 4 and 4a, CONNECT only, for the proxy of
// proxies.ts.
import type { Socket } from 'node:net'
import type { ProxyBooks } from './proxies.js'

/** Serves SOCKS on an accepted connection. */
export function serveSocks(socket: Socket, books: ProxyBooks): void {
  const reader = new OctetReader(socket)
  converse(socket, reader, books).catch(() => socket.destroy())
}

async function converse(socket: Socket, reader: OctetReader, books: ProxyBooks): Promise<void> {
  const [version] = await reader.take(1)
  if (version === 4) await version4(socket, reader, books)
  else await version5(socket, reader, books)
}

async function version5(socket: Socket, reader: OctetReader, books: ProxyBooks): Promise<void> {
  const { credentials } = books.options
  const [count] = await reader.take(1)
  const methods = await reader.take(count!)
  const method = credentials === undefined ? 0 : 2
  if (!methods.includes(method)) return void socket.end(Buffer.from([5, 0xff]))
  socket.write(Buffer.from([5, method]))
  if (method === 2) {
    await reader.take(1)
    const user = await reader.take((await reader.take(1))[0]!)
    const password = await reader.take((await reader.take(1))[0]!)
    const right = `${user}:${password}` === credentials
    socket.write(Buffer.from([1, right ? 0 : 1]))
    if (!right) return void socket.end()
  }
  const [, , , type] = await reader.take(4)
  const host = await hostOf(reader, type!)
  const port = (await reader.take(2)).readUInt16BE()
  const reply = (code: number): Buffer => Buffer.from([5, code, 0, 1, 0, 0, 0, 0, 0, 0])
  connect(socket, reader, books, { host, port, protocol: 'socks5', granted: reply(0), refused: reply(5) })
}

async function hostOf(reader: OctetReader, type: number): Promise<string> {
  if (type === 1) return [...(await reader.take(4))].join('.')
  if (type === 3) return (await reader.take((await reader.take(1))[0]!)).toString('latin1')
  const address = await reader.take(16)
  return Array.from({ length: 8 }, (_, i) => address.readUInt16BE(i * 2).toString(16)).join(':')
}

async function version4(socket: Socket, reader: OctetReader, books: ProxyBooks): Promise<void> {
  const { credentials } = books.options
  const request = await reader.take(7)
  const user = await reader.takeText()
  const address = [...request.subarray(3)].join('.')
  const host = /^0\.0\.0\.[1-9]/.test(address) ? await reader.takeText() : address
  const reply = (code: number): Buffer => Buffer.from([0, code, 0, 0, 0, 0, 0, 0])
  if (credentials !== undefined && user !== credentials) return void socket.end(reply(93))
  const port = request.readUInt16BE(1)
  connect(socket, reader, books, { host, port, protocol: 'socks4', granted: reply(90), refused: reply(91) })
}

interface SocksRequest {
  readonly host: string
  readonly port: number
  readonly protocol: 'socks4' | 'socks5'
  readonly granted: Buffer
  readonly refused: Buffer
}

function connect(socket: Socket, reader: OctetReader, books: ProxyBooks, request: SocksRequest): void {
  const { host, port, protocol, granted, refused } = request
  const tunnel = {
    authority: `${host.includes(':') ? `[${host}]` : host}:${port}`,
    protocol,
    headers: {},
    connectionId: books.connectionIdOf(socket),
  } as const
  books.onTunnel(tunnel)
  if (books.options.answer?.(tunnel, socket, 0) === true) return
  let tied = false
  const far = books.dial(host, port, () => {
    tied = true
    socket.write(granted)
    reader.stop()
    books.tie(socket, far, () => socket.destroy())
  })
  far.on('error', () => (tied ? socket.destroy() : socket.end(refused)))
  socket.once('close', () => far.destroy())
}

/** Reads bytes in order, as many as requested. */
class OctetReader {
  readonly #socket: Socket
  #bytes: Buffer = Buffer.alloc(0)
  #wake: () => void = () => {}

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', this.#onData)
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    this.#wake()
  }

  async take(count: number): Promise<Buffer> {
    while (this.#bytes.length < count) await this.#nextBytes()
    const taken = this.#bytes.subarray(0, count)
    this.#bytes = this.#bytes.subarray(count)
    return taken
  }

  /** Reads up to a NUL and removes it. */
  async takeText(): Promise<string> {
    while (!this.#bytes.includes(0)) await this.#nextBytes()
    const text = await this.take(this.#bytes.indexOf(0))
    await this.take(1)
    return text.toString('latin1')
  }

  /** Returns excess bytes to the socket. */
  stop(): void {
    this.#socket.off('data', this.#onData)
    this.#socket.pause()
    if (this.#bytes.length > 0) this.#socket.unshift(this.#bytes)
  }

  #nextBytes(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}
