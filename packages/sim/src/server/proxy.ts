/** Modelled proxies: CONNECT over HTTP/1.1 and SOCKS 5. A tunnel is a second TCP connection. */

import type { End } from '../network/flow.js'
import type { Network } from '../network/network.js'

/** As proxies do it, so that NATs remember their connections. */
const KEEPALIVE_MS = 60_000

type Resolve = (host: string) => string | undefined

/** Accepts a client that wants a tunnel. */
export function acceptProxy(kind: 'http' | 'socks5', end: End, network: Network, resolve: Resolve): void {
  let bytes: Buffer = Buffer.alloc(0)
  let greeted = false
  const refuse = (): void => end.close()
  const read = (): void => {
    if (kind === 'http') {
      const until = bytes.indexOf('\r\n\r\n')
      if (until === -1) return
      const target = bytes.toString('latin1', 0, until).split(' ')[1] ?? ''
      const colon = target.lastIndexOf(':')
      return open(target.slice(0, colon), Number(target.slice(colon + 1)), bytes.subarray(until + 4))
    }
    if (!greeted) {
      if (bytes.length < 2 || bytes.length < 2 + bytes[1]!) return
      bytes = bytes.subarray(2 + bytes[1]!)
      greeted = true
      end.write(Buffer.from([5, 0]))
    }
    const target = socksTarget(bytes)
    if (target !== undefined) open(target.host, target.port, bytes.subarray(target.length))
  }
  const open = (host: string, port: number, rest: Buffer): void => {
    const address = resolve(host)
    if (address === undefined) return answer(false)
    end.listener = { onBytes() {}, onEnd: () => end.close(), onError() {}, onDrain() {} }
    end.pause()
    network.dial({
      address,
      port,
      onConnected(upstream) {
        upstream.flow.setKeepAlive(KEEPALIVE_MS)
        answer(true)
        splice(end, upstream)
        if (rest.length > 0) upstream.write(rest)
        end.resume()
      },
      onFailed: () => answer(false),
    })
  }
  const answer = (isOpen: boolean): void => {
    if (kind === 'http')
      end.write(Buffer.from(isOpen ? 'HTTP/1.1 200 OK\r\n\r\n' : 'HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n'))
    else end.write(Buffer.from([5, isOpen ? 0 : 4, 0, 1, 0, 0, 0, 0, 0, 0]))
    if (!isOpen) refuse()
  }
  end.listener = {
    onBytes(part) {
      bytes = Buffer.concat([bytes, part])
      read()
    },
    onEnd: refuse,
    onError() {},
    onDrain() {},
  }
}

/** RFC 1928 §4. `undefined` if bytes are missing. */
function socksTarget(bytes: Buffer): { host: string; port: number; length: number } | undefined {
  if (bytes.length < 7) return undefined
  const isName = bytes[3] === 3
  const begin = isName ? 5 : 4
  const end = begin + (isName ? bytes[4]! : 4)
  if (bytes.length < end + 2) return undefined
  const host = isName ? bytes.toString('latin1', begin, end) : [...bytes.subarray(begin, end)].join('.')
  return { host, port: bytes.readUInt16BE(end), length: end + 2 }
}

/** Joins two connections. */
function splice(one: End, other: End): void {
  const join = (from: End, to: End): void => {
    from.listener = {
      onBytes(bytes) {
        if (!to.write(Buffer.from(bytes))) from.pause()
      },
      onEnd: () => to.end(),
      onError: () => to.reset(),
      onDrain: () => to.resume(),
    }
  }
  join(one, other)
  join(other, one)
}
