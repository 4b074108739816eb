/**
 * Serializes request heads (RFC 9112 §3). All parts are checked before, so none can contain a line
 * end.
 */

import { hasField } from '../message/field-lines.js'
import type { HttpRequest } from '../message/request.js'

/**
 * Returns request line, fields and empty line.
 * @param forwarding fields for the proxy that forwards the request; `undefined` without a
 * forwarding proxy.
 * @param close whether this is the last request of the connection.
 */
export function requestHead(request: HttpRequest, forwarding: readonly string[] | undefined, close: boolean): string {
  const { method, path, authority, fields, content, origin, protocol } = request
  // RFC 9112 §3.2.2: to a proxy, "a client MUST send the target URI in absolute-form".
  const target = forwarding === undefined ? path : origin.serialized + path
  // RFC 9110 §7.8: what is an extended CONNECT over HTTP/2 (RFC 8441 §5) is a GET with `upgrade`.
  let head =
    protocol === undefined
      ? `${method} ${target} HTTP/1.1\r\nhost: ${authority}\r\nconnection: ${close ? 'close' : 'keep-alive'}\r\n`
      : `GET ${target} HTTP/1.1\r\nhost: ${authority}\r\nconnection: upgrade\r\nupgrade: ${protocol}\r\n`
  let cookie: string | undefined
  let framed = content === undefined || protocol !== undefined
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!
    const value = fields[i + 1]!
    if (name === 'cookie') {
      // RFC 6265 §5.4: over HTTP/1.1 cookies are one field; HTTP/2 may have several (RFC 9113 §8.2.3).
      cookie = cookie === undefined ? value : `${cookie}; ${value}`
      continue
    }
    if (name === 'content-length') framed = true
    head += `${name}: ${value}\r\n`
  }
  if (cookie !== undefined) head += `cookie: ${cookie}\r\n`
  if (forwarding !== undefined) head += forwardingLines(forwarding, fields)
  return framed ? `${head}\r\n` : `${head}transfer-encoding: chunked\r\n\r\n`
}

/** Whether content is sent in chunks: it has no known length and no content-length. */
export function isChunked({ fields, content, protocol }: HttpRequest): boolean {
  return protocol === undefined && content !== undefined && content.bytes === undefined && !hasField(fields, 'content-length')
}

/** Returns the fields for the proxy, except those that the request already has. */
function forwardingLines(forwarding: readonly string[], fields: readonly string[]): string {
  let lines = ''
  for (let i = 0; i < forwarding.length; i += 2) {
    let isGiven = false
    for (let j = 0; j < fields.length; j += 2) isGiven ||= fields[j] === forwarding[i]
    if (!isGiven) lines += `${forwarding[i]}: ${forwarding[i + 1]}\r\n`
  }
  return lines
}
