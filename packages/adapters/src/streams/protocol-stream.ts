/**
 * A stream of another protocol, such as `websocket`: a stream of HTTP/2 where the server offers extended CONNECT (RFC 8441), else a
 * connection of HTTP/1.1 that is upgraded (RFC 9110 §7.8).
 */

import { createHash } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { type Client, type HttpResponse, type RequestOptions, UnshardError } from '@unshard/core'
import { openStream, type RequestDuplex } from './duplex.js'

/** A stream, and the response that opened or refused it. */
export interface ProtocolStream {
  readonly duplex: Duplex
  readonly response: HttpResponse
}

/** The request for a stream: its protocol is that of `upgrade` over HTTP/1.1. */
export type ProtocolRequest = Pick<RequestOptions, 'url' | 'headers' | 'signal' | 'isolation' | 'affinity' | 'timeouts'> & {
  readonly protocol: string
}

/**
 * Opens a stream on HTTP/2 or HTTP/1.1; on HTTP/1.1 alone if the server offers no extended CONNECT. The deadlines `body` and `total` are
 * off, because the protocol has its own rules for silence.
 */
export async function openProtocolStream(client: Client, request: ProtocolRequest): Promise<ProtocolStream> {
  const options: RequestOptions = {
    ...{ ...request, method: 'CONNECT', timeouts: { ...request.timeouts, body: 0, total: 0 } },
    ...{ redirect: 'manual', retry: false, keepDotSegments: true },
  }
  try {
    return await settled(openStream(client, options))
  } catch (error) {
    if (!(error instanceof UnshardError) || error.code !== 'ERR_EXTENDED_CONNECT_UNSUPPORTED') throw error
    return settled(openStream(client, { ...options, http1Only: true }))
  }
}

async function settled({ duplex, response }: RequestDuplex): Promise<ProtocolStream> {
  // The error is that of the response.
  duplex.on('error', () => undefined)
  return { duplex, response: await response }
}

/** Whether the response has opened the stream: 101 over HTTP/1.1, 2xx over HTTP/2 (RFC 8441 §5). */
export function isOpened({ status, connection }: HttpResponse): boolean {
  return connection.protocol === 'h2' ? status >= 200 && status < 300 : status === 101
}

/** RFC 6455 §4.2.2. */
const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** Returns the field `sec-websocket-accept` for a key. */
export function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}${WEBSOCKET_GUID}`).digest('base64')
}
