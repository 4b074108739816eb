/** Unary calls that succeed, as each protocol has them. Must know nothing of other calls: see `unary-shortcut.ts`. */

import type { UniversalClientResponse } from '@connectrpc/connect/protocol'
import { frameOf } from '../grpc/frames.js'
import { appendTrailers, opened } from './envelope.js'

/** A response with one message that is not compressed. */
export interface SimpleResponse {
  readonly message: Uint8Array
  readonly header: Headers
  readonly trailer: Headers
}

/** How one protocol sends a message that is not compressed, and what it answers. */
export interface UnaryProtocol {
  /** Whether requests must not be sent over HTTP/1.1, because the status of a call is in the trailers. */
  readonly http2Only: boolean
  /** Field with the compression of a whole content, which a request that is not compressed must not have. */
  readonly contentEncoding: string | undefined
  /** Returns the content of a request. */
  contentOf(message: Uint8Array): Uint8Array
  /** Whether the fields allow a {@link SimpleResponse}. @param accepted names of compressions. */
  isSimple(header: Headers, accepted: ReadonlySet<string>): boolean
  /** Returns the response, unless it is anything but simple. */
  open(response: UniversalClientResponse, content: Uint8Array): SimpleResponse | undefined
}

const TRAILER_PREFIX = 'trailer-'

/** The Connect protocol: the content is the message, and trailers are fields with a prefix. */
export const CONNECT: UnaryProtocol = {
  http2Only: false,
  contentEncoding: 'content-encoding',
  contentOf: (message) => message,
  isSimple: (header) => header.get('content-type') === 'application/proto' && isIdentity(header.get('content-encoding')),
  open({ header }, message) {
    const trailer = new Headers()
    const names: string[] = []
    for (const [name, value] of header) {
      if (!name.startsWith(TRAILER_PREFIX)) continue
      trailer.append(name.slice(TRAILER_PREFIX.length), value)
      names.push(name)
    }
    for (const name of names) header.delete(name)
    return { message, header, trailer }
  },
}

/** gRPC: messages in envelopes, and a status in the trailers. */
export const GRPC: UnaryProtocol = {
  http2Only: true,
  contentEncoding: undefined,
  contentOf: (message) => frameOf(message, false),
  isSimple: (header, accepted) => isGrpc(header, 'application/grpc', accepted),
  open({ header, trailer }, content) {
    const message = isOk(trailer) ? opened(content, false)?.message : undefined
    return message && { message, header, trailer }
  },
}

/** gRPC-Web: the trailers are another envelope of the content. */
export const GRPC_WEB: UnaryProtocol = {
  http2Only: false,
  contentEncoding: undefined,
  contentOf: (message) => frameOf(message, false),
  isSimple: (header, accepted) => isGrpc(header, 'application/grpc-web', accepted),
  open({ header }, content) {
    const found = opened(content, true)
    if (found === undefined) return undefined
    const trailer = new Headers()
    appendTrailers(trailer, found.trailers)
    return isOk(trailer) ? { message: found.message, header, trailer } : undefined
  },
}

function isGrpc(header: Headers, type: string, accepted: ReadonlySet<string>): boolean {
  const given = header.get('content-type')
  if ((given !== type && given !== `${type}+proto`) || header.has('grpc-status')) return false
  // Flags of the message say whether it is compressed; a compression that is not accepted is an error all the same.
  const encoding = header.get('grpc-encoding')
  return isIdentity(encoding) || accepted.has(encoding!)
}

/** Whether the trailers are those of a success. Details may contradict the status: that is for Connect-ES. */
function isOk(trailer: Headers): boolean {
  return trailer.get('grpc-status') === '0' && !trailer.has('grpc-status-details-bin')
}

function isIdentity(encoding: string | null): boolean {
  return encoding === null || encoding === 'identity'
}
