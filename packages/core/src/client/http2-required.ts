/** Requests that must not be sent over HTTP/1.1, such as calls of gRPC, whose status is in trailers. */

import { UsageError } from '../errors/errors.js'
import type { Origin } from '../message/origin.js'
import type { Connection } from '../transport/connection.js'

/** @throws UsageError `ERR_HTTP2_REQUIRED` if the connection speaks HTTP/1.1. */
export function requireHttp2({ protocol }: Pick<Connection, 'protocol'>, { scheme, serialized }: Origin): void {
  if (protocol === 'h2') return
  const what =
    scheme === 'https'
      ? "the connection speaks HTTP/1.1: enable HTTP/2 on the server, and allow 'h2' in the option protocols"
      : "without TLS the client speaks HTTP/1.1: set the option cleartextProtocol to 'h2'"
  throw new UsageError('ERR_HTTP2_REQUIRED', `the request needs HTTP/2, and ${what} (${serialized})`, { origin: serialized })
}
