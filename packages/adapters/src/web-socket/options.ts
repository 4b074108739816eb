/** Options of WebSockets. */

import { constants } from 'node:buffer'
import type { Client, RequestOptions } from '@unshard/core'
import { flagRow, invalidOption, namesOf, number, numberIn, type OptionSchema, ownOptions, value } from '@unshard/core/internal'
import { checkClient } from '../observation/check-client.js'

/** Options of {@link createWebSocket}. */
export interface WebSocketOptions {
  /** Headers of the handshake, such as `authorization`. Those of the protocol are set by the WebSocket. */
  readonly headers?: RequestOptions['headers']
  /** Whether to offer compression of messages (RFC 7692). Messages of at least 1,024 bytes are compressed. @default true */
  readonly compression?: boolean
  /** Maximum size of a received message after decompression, in bytes, 1 to 536,870,888. @default 104,857,600 */
  readonly maxMessageBytes?: number
  /**
   * Time between Pings of this client, in milliseconds, 0 to 2,147,483,647; 0 for none. A server from which nothing arrives for two of
   * them is lost. Without them HTTP/2 and TCP notice a path that is lost; Pings also keep proxies from ending an idle WebSocket.
   * @default 0
   */
  readonly pingIntervalMs?: number
  /** Time that the server has for the closing handshake, in milliseconds, 1 to 2,147,483,647. @default 10,000 */
  readonly closeTimeoutMs?: number
  /** Isolation of the handshake: requests with different values never share a connection. */
  readonly isolation?: string
  /** Affinity of the handshake: requests with the same value prefer the same connection. */
  readonly affinity?: string
}

/** Options of the constructor {@link WebSocket}. */
export interface WebSocketInit extends WebSocketOptions {
  /** Subprotocols, the preferred one first. @default `[]` */
  readonly protocols?: string | readonly string[]
  /** The client that opens the WebSocket. @default the client that `fetch` uses */
  readonly client?: Client
}

/** Options of the constructor {@link WebSocketStream}. */
export interface WebSocketStreamInit extends WebSocketInit {
  /** Ends the handshake with `signal.reason`. It has no effect on an open WebSocket. */
  readonly signal?: AbortSignal
}

const MAX = 0x7fff_ffff
/** A text of more characters cannot be made. */
const MAX_TEXT = constants.MAX_STRING_LENGTH

/** The rows of {@link WebSocketOptions}. */
export const WEB_SOCKET_OPTIONS: OptionSchema<WebSocketOptions> = {
  headers: value('a record, pairs, `Headers`'),
  compression: flagRow(true),
  maxMessageBytes: number(104_857_600, 1, MAX_TEXT, 'bytes'),
  pingIntervalMs: number(0, 0, MAX, 'ms'),
  closeTimeoutMs: number(10_000, 1, MAX, 'ms'),
  isolation: value('text'),
  affinity: value('text'),
}

const INIT_NAMES: ReadonlySet<string> = new Set([...namesOf(WEB_SOCKET_OPTIONS), 'protocols', 'client'])
const STREAM_NAMES: ReadonlySet<string> = new Set([...INIT_NAMES, 'signal'])

/** Options with their defaults. */
export interface CheckedOptions {
  readonly request: Pick<RequestOptions, 'headers' | 'isolation' | 'affinity'>
  readonly compression: boolean
  readonly limits: FrameLimits
}

/** Limits of an open WebSocket. */
export interface FrameLimits {
  readonly maxMessageBytes: number
  readonly pingIntervalMs: number
  readonly closeTimeoutMs: number
}

/**
 * Returns the options of `createWebSocket()`. Unknown ones are refused.
 * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`.
 */
export function ownWebSocketOptions(options: WebSocketOptions): WebSocketOptions {
  return ownOptions(options, namesOf(WEB_SOCKET_OPTIONS), '', 'createWebSocket()')
}

/**
 * Returns the members of an object that are options. Unknown ones are refused.
 * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`.
 */
export function ownInit(init: WebSocketStreamInit, taker: string): WebSocketStreamInit {
  const own = ownOptions(init, taker === 'WebSocketStream()' ? STREAM_NAMES : INIT_NAMES, '', taker)
  if (own.client !== undefined) checkClient(own.client)
  return own
}

/** @throws UsageError `ERR_INVALID_OPTION`. */
export function checkOptions(options: WebSocketOptions): CheckedOptions {
  const { headers, isolation, affinity, compression } = options
  const limit = (name: 'maxMessageBytes' | 'pingIntervalMs' | 'closeTimeoutMs'): number =>
    numberIn(WEB_SOCKET_OPTIONS, options, name)
  if (typeof (compression ?? true) !== 'boolean') throw invalidOption('compression', 'true or false', compression)
  return {
    request: {
      ...(headers !== undefined && { headers }),
      ...(isolation !== undefined && { isolation }),
      ...(affinity !== undefined && { affinity }),
    },
    compression: compression ?? true,
    limits: {
      maxMessageBytes: limit('maxMessageBytes'),
      pingIntervalMs: limit('pingIntervalMs'),
      closeTimeoutMs: limit('closeTimeoutMs'),
    },
  }
}
