/**
 * CONNECT over HTTP/1.1 (RFC 9110 §9.3.6): after one request head and one response head the socket
 * is a tunnel. The response is parsed strictly, with a size limit.
 */

import type { Socket } from 'node:net'
import { isFieldValue, isToken } from '../../field-syntax.js'
import type { Target } from '../../transport/target.js'
import { proxyError, refusedByProxy } from './errors.js'
import type { ProxyServer } from './proxy-options.js'

/** Maximum size of the response head, in bytes, including interim responses. */
const MAX_HEAD_BYTES = 16_384

const END_OF_HEAD = Buffer.from('\r\n\r\n')

/** The request target of CONNECT, and its `host`. Always includes the port (RFC 9110 §9.3.6). */
export function tunnelAuthority({ origin }: Target): string {
  return `${origin.host.includes(':') ? `[${origin.host}]` : origin.host}:${origin.port}`
}

/**
 * Opens a tunnel over `socket`, which is connected to the proxy. Resolves with the bytes after the
 * response head unread in the socket. On failure the socket is destroyed.
 * @throws ConnectError phase `proxy`, with the proxy's `status` if it responded; the reason of
 *   `signal`.
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
      fail(proxyError(proxy, target, `failed before it answered CONNECT: ${cause.message}`, { cause }))
    const onClose = (): void => fail(proxyError(proxy, target, 'closed the connection before it answered CONNECT'))
    const answered = (status: number | string): void => {
      if (typeof status === 'string') return fail(proxyError(proxy, target, `answered CONNECT with ${status}`))
      if (status < 200 || status > 299) return fail(refusedByProxy(proxy, target, status))
      settle(() => {
        if (answer.rest.length > 0) socket.unshift(answer.rest)
        resolve()
      })
    }
    // Use `read` instead of `data` events: a socket that was paused once does not resume for its
    // next owner.
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

/** Reads the head of the final response, and no byte beyond it. */
class AnswerReader {
  #bytes: Buffer = Buffer.alloc(0)
  #interimBytes = 0

  /** The bytes after the head, which belong to the tunnel. */
  get rest(): Buffer {
    return this.#bytes
  }

  /**
   * Returns the final status, `undefined` while the head is incomplete, or a description of the
   * syntax error.
   */
  read(chunk: Buffer): number | string | undefined {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
    for (;;) {
      const end = this.#bytes.indexOf(END_OF_HEAD)
      const length = end === -1 ? this.#bytes.length : end + END_OF_HEAD.length
      if (this.#interimBytes + length > MAX_HEAD_BYTES) return `a head of more than ${MAX_HEAD_BYTES} bytes`
      if (!mayBeStatusLine(this.#bytes)) return 'data that is not HTTP/1'
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

/**
 * Returns the status or the error. Field values other than syntax are ignored: a 2xx response to
 * CONNECT has no content (RFC 9110 §9.3.6).
 */
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
