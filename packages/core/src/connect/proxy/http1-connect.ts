/**
 * CONNECT over HTTP/1.1 (RFC 9110 §9.3.6): one head out, one head in, and the socket is a tunnel. Strict and bounded: what a proxy sends
 * before its answer is complete is nobody's content.
 */

import type { Socket } from 'node:net'
import { isFieldValue, isToken } from '../../field-syntax.js'
import type { Target } from '../../transport/target.js'
import { proxyError, refusedByProxy } from './errors.js'
import type { ProxyServer } from './proxy-options.js'

/** Bytes of the answer's head, interim answers included. */
const MAX_HEAD_BYTES = 16_384

const END_OF_HEAD = Buffer.from('\r\n\r\n')

/** The request target of CONNECT and its `host`: the port always stands there (RFC 9110 §9.3.6). */
export function tunnelAuthority({ origin }: Target): string {
  return `${origin.host.includes(':') ? `[${origin.host}]` : origin.host}:${origin.port}`
}

/**
 * Asks for a tunnel over `socket`, which is connected to the proxy. Resolves when it is one; then nobody has read from it what came
 * after the answer. Otherwise the socket is destroyed.
 * @throws ConnectError phase `proxy`, with the proxy's `status` where it answered; the reason of `signal`.
 */
export function connectOverHttp1(socket: Socket, proxy: ProxyServer, target: Target, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const answer = new AnswerReader()
    const settle = (finish: () => void): void => {
      signal.removeEventListener('abort', onAbort)
      socket.off('readable', onReadable).off('end', onClose).off('close', onClose).off('error', onError)
      finish()
    }
    const fail = (reason: unknown): void =>
      settle(() => {
        socket.on('error', () => undefined).destroy()
        reject(reason)
      })
    const onAbort = (): void => fail(signal.reason)
    const onError = (cause: Error): void =>
      fail(proxyError(proxy, target, `failed before it had answered: ${cause.message}`, { cause }))
    const onClose = (): void => fail(proxyError(proxy, target, 'closed the connection before it had answered'))
    const answered = (status: number | string): void => {
      if (typeof status === 'string') return fail(proxyError(proxy, target, `sent ${status} for an answer to CONNECT`))
      if (status < 200 || status > 299) return fail(refusedByProxy(proxy, target, status))
      settle(() => {
        if (answer.rest.length > 0) socket.unshift(answer.rest)
        resolve()
      })
    }
    // By `read`, and not by events of data: a socket that was paused once starts for no later owner.
    const onReadable = (): void => {
      for (let chunk = read(socket); chunk !== undefined; chunk = read(socket)) {
        const status = answer.read(chunk)
        if (status !== undefined) return answered(status)
      }
    }
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    socket.on('readable', onReadable).on('end', onClose).on('close', onClose).on('error', onError)
    socket.write(requestHead(proxy, target), 'latin1')
  })
}

function read(socket: Socket): Buffer | undefined {
  return (socket.read() as Buffer | null) ?? undefined
}

function requestHead({ fields }: ProxyServer, target: Target): string {
  const authority = tunnelAuthority(target)
  let head = `CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n`
  for (let i = 0; i < fields.length; i += 2) head += `${fields[i]}: ${fields[i + 1]}\r\n`
  return `${head}\r\n`
}

/** Reads the head of the final answer, and not an byte beyond. */
class AnswerReader {
  #bytes: Buffer = Buffer.alloc(0)
  #interimBytes = 0

  /** The bytes after the head: they belong to the tunnel. */
  get rest(): Buffer {
    return this.#bytes
  }

  /** The status of the final answer; `undefined` while it is not complete; what is wrong with it, for people. */
  read(chunk: Buffer): number | string | undefined {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
    for (;;) {
      const end = this.#bytes.indexOf(END_OF_HEAD)
      const length = end === -1 ? this.#bytes.length : end + END_OF_HEAD.length
      if (this.#interimBytes + length > MAX_HEAD_BYTES) return `a head of more than ${MAX_HEAD_BYTES} bytes`
      if (!mayBeStatusLine(this.#bytes)) return 'something that is not HTTP/1'
      if (end === -1) return undefined
      const status = parseHead(this.#bytes.toString('latin1', 0, end))
      this.#bytes = this.#bytes.subarray(length)
      // RFC 9110 §15.2: "A client MUST be able to parse one or more 1xx responses received prior to a final response".
      if (typeof status === 'string' || status >= 200) return status
      if (status === 101) return 'status 101'
      this.#interimBytes += length
    }
  }
}

const STATUS_LINE_START = 'HTTP/1.'

function mayBeStatusLine(bytes: Buffer): boolean {
  const start = bytes.toString('latin1', 0, STATUS_LINE_START.length)
  return STATUS_LINE_START.startsWith(start)
}

/** The status, or what is wrong. Of the fields it only matters that they are fields: a successful answer's lengths mean nothing (RFC 9110 §9.3.6). */
function parseHead(head: string): number | string {
  const [statusLine = '', ...lines] = head.split('\r\n')
  const match = /^HTTP\/1\.[01] ([1-9][0-9]{2})(?: (.*))?$/s.exec(statusLine)
  if (match === null || !isFieldValue(match[2] ?? '')) return 'a malformed status line'
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon === -1 || !isToken(line.slice(0, colon)) || !isFieldValue(line.slice(colon + 1))) return 'a malformed field'
  }
  return Number(match[1])
}
