/**
 * A stream of another protocol, such as `websocket`: a stream of HTTP/2 where the server offers extended CONNECT (RFC 8441), else a
 * connection of HTTP/1.1 that is upgraded (RFC 9110 §7.8).
 */

import type { Duplex } from 'node:stream'
import { type Client, type HttpResponse, type RequestOptions, UnshardError } from '@unshard/core'
import { fieldList } from '@unshard/core/internal'
import { duplexOf, type OpenRequest, openRequest } from './duplex.js'

/** The response to a request for a stream. */
export interface ProtocolStream {
  readonly response: HttpResponse
  /** Whether the response has opened the stream: 101 over HTTP/1.1, 2xx over HTTP/2 (RFC 8441 §5). */
  readonly isOpen: boolean
  /** Returns the stream, which reads the body of the response. */
  accept(): Duplex
  /** Ends the request, whose response can be read. */
  refuse(): void
  /** Whether a write was dropped, because the stream has failed or the peer reads no more. */
  hasDropped(): boolean
}

/** The request for a stream. `protocol` becomes the field `upgrade` over HTTP/1.1. */
export type ProtocolRequest = Pick<
  RequestOptions,
  'url' | 'headers' | 'signal' | 'isolation' | 'affinity' | 'timeouts' | 'http1Only'
> & {
  readonly protocol: string
  /** Address of the URL's host, resolved by the caller. */
  readonly resolvedAddress?: string
}

/** The protocols of extended CONNECT that are also protocols of `upgrade`. */
const OVER_HTTP2: ReadonlySet<string> = new Set(['websocket'])

/**
 * Opens a stream on HTTP/2 or HTTP/1.1; on HTTP/1.1 alone if the server offers no extended CONNECT, or the protocol has none. The
 * deadlines `body` and `total` are off, because the protocol has its own rules for silence.
 */
export async function openProtocolStream(client: Client, request: ProtocolRequest): Promise<ProtocolStream> {
  const http1Only = request.http1Only === true || !OVER_HTTP2.has(request.protocol.toLowerCase())
  const options: RequestOptions = {
    ...{ ...request, method: 'CONNECT', timeouts: { ...request.timeouts, body: 0, total: 0 }, http1Only },
    ...{ redirect: 'manual', retry: false, keepDotSegments: true },
  }
  try {
    return await settled(openRequest(client, options))
  } catch (error) {
    if (!(error instanceof UnshardError) || error.code !== 'ERR_EXTENDED_CONNECT_UNSUPPORTED') throw error
    return settled(openRequest(client, { ...options, http1Only: true }))
  }
}

async function settled(request: OpenRequest): Promise<ProtocolStream> {
  const response = await request.response
  const { status, connection } = response
  return {
    response,
    isOpen: connection.protocol === 'h2' ? status >= 200 && status < 300 : status === 101,
    accept: () => duplexOf(request).on('error', () => undefined),
    refuse: () => request.content.end(() => undefined),
    hasDropped: () => request.content.hasDropped,
  }
}

/** RFC 6455 §4.2.2. */
const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** Returns the field `sec-websocket-accept` for a key. */
export function acceptOf(key: string): string {
  // Loaded with the first: loading it takes longer than everything here.
  const { createHash } = process.getBuiltinModule('node:crypto')
  return createHash('sha1').update(`${key}${WEBSOCKET_GUID}`).digest('base64')
}

/** Fields that describe the connection or the framing of the server. */
const NOT_PASSED_ON: ReadonlySet<string> = new Set(['connection', 'upgrade', 'transfer-encoding', 'keep-alive'])

/**
 * Returns the fields of the response 101 that a library for HTTP/1.1 expects: name, value, name, value….
 * @param protocol of the request.
 * @param key the field `sec-websocket-key` of the request, if it has one.
 */
export function switchingFields(response: HttpResponse, protocol: string, key: string | undefined): string[] {
  const isUpgraded = response.status === 101
  // Over HTTP/1.1 the server names the protocol that it chose (RFC 9110 §7.8), and the library checks it.
  const chosen = isUpgraded ? (response.headers.get('upgrade') ?? '') : protocol
  const fields = ['connection', 'Upgrade', 'upgrade', chosen]
  // RFC 8441 §5: over HTTP/2 the status alone confirms the protocol.
  if (!isUpgraded && key !== undefined) fields.push('sec-websocket-accept', acceptOf(key))
  return [...fields, ...endToEndFields(response)]
}

/** Returns the fields of a response without those of its connection: name, value, name, value…. */
export function endToEndFields({ headers }: HttpResponse): string[] {
  const list = fieldList(headers)
  return list.filter((_, i) => !NOT_PASSED_ON.has(list[i - (i % 2)]!))
}
