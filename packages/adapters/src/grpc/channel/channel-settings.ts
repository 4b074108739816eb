/** The settings of a channel: its target, its credentials and its options, checked once. */

import type { Client, TlsOptions } from '@unshard/core'
import { invalidOption, namesOf, type OptionSchema, ownOptions, printable, value } from '@unshard/core/internal'
import type { Encoding } from '../compression.js'
import { cleartextIsolation, tlsIsolation } from '../isolations.js'
import { baseUrlOf } from '../target.js'
import { userAgent } from '../user-agent.js'
import { type ChannelSecurity, securityOf } from './credentials.js'
import type { GrpcCallCredentials, GrpcChannelCredentials } from './types.js'

/** Options of a channel beside those of `@grpc/grpc-js`. */
export interface ChannelOwnOptions {
  /**
   * Whose trust and certificates a secure channel uses: those of its `credentials`, so that only
   * channels of one `createSsl()` share connections, or those of the `client`, so that all channels
   * do and nothing of the credentials but those of calls applies.
   * @default `credentials`
   */
  readonly tls?: 'credentials' | 'client'
  /** Isolation of the requests. Channels with different values never share a connection. */
  readonly isolation?: string
}

/** The rows of {@link ChannelOwnOptions}. */
export const CHANNEL_OWN_OPTIONS: OptionSchema<ChannelOwnOptions> = {
  tls: value('`credentials`, `client`', '`credentials`'),
  isolation: value('text'),
}

const NAMES = namesOf(CHANNEL_OWN_OPTIONS)

/** Options of a channel of `@grpc/grpc-js`, by their names there. */
export type GrpcChannelOptions = Readonly<Record<string, unknown>>

/** The checked settings of a channel. */
export interface ChannelSettings {
  readonly client: Client
  readonly target: string
  readonly baseUrl: string
  readonly isSecure: boolean
  /** `https://host`, without a port, for call credentials: the audience of tokens. */
  readonly serviceUrl: string
  readonly isolation: string | undefined
  readonly callCredentials: GrpcCallCredentials | undefined
  /** Another authority for every request. */
  readonly authority: string | undefined
  readonly userAgent: string
  readonly encoding: Encoding | undefined
  readonly mostSentBytes: number
  readonly mostReceivedBytes: number
}

/** The default of gRPC. */
const MOST_RECEIVED = 4 * 1024 * 1024
const COMPRESSION = 'grpc.default_compression_algorithm'
/** `compressionAlgorithms` of `@grpc/grpc-js`. */
const ENCODINGS: readonly (Encoding | undefined)[] = [undefined, 'deflate', 'gzip']

/** @throws UsageError for a target, credentials or an option that is not valid. */
export function settingsOf(
  client: Client,
  target: string,
  credentials: GrpcChannelCredentials,
  options: GrpcChannelOptions,
  given: ChannelOwnOptions,
): ChannelSettings {
  const own = ownOptions(given, NAMES, '', 'a gRPC channel')
  if (own.tls !== undefined && own.tls !== 'client' && own.tls !== 'credentials')
    throw invalidOption('tls', "'credentials' or 'client'", own.tls)
  const security = securityOf(credentials)
  const baseUrl = baseUrlOf(target, security.isSecure)
  warnOfOthers(options)
  const text = (name: string): string | undefined => textOf(options, name)
  return {
    ...{ client, target, baseUrl, isSecure: security.isSecure },
    serviceUrl: `https://${new URL(baseUrl).hostname}`,
    isolation: isolationOf(client, security, own, options),
    callCredentials: security.callCredentials,
    authority: text('grpc.default_authority'),
    userAgent: userAgent(text('grpc.primary_user_agent'), text('grpc.secondary_user_agent')),
    encoding: encodingOf(numberOf(options, COMPRESSION) ?? 0),
    mostSentBytes: limitOf(numberOf(options, 'grpc.max_send_message_length') ?? -1),
    mostReceivedBytes: limitOf(numberOf(options, 'grpc.max_receive_message_length') ?? MOST_RECEIVED),
  }
}

function encodingOf(algorithm: number): Encoding | undefined {
  if (!(algorithm in ENCODINGS)) throw invalidOption(COMPRESSION, '0, 1 or 2', algorithm)
  return ENCODINGS[algorithm]
}

/** -1 is no limit. */
function limitOf(bytes: number): number {
  return bytes < 0 ? Number.POSITIVE_INFINITY : bytes
}

/** Returns the isolation of a channel's requests, and defines its pool. */
function isolationOf(
  client: Client,
  { isSecure, tls }: ChannelSecurity,
  own: ChannelOwnOptions,
  options: GrpcChannelOptions,
): string | undefined {
  if (isSecure && own.tls === 'client') return own.isolation
  if (tls === undefined) return cleartextIsolation(client, own.isolation)
  const servername = textOf(options, 'grpc.ssl_target_name_override')
  const { secureContext, checkServerIdentity, rejectUnauthorized } = tls
  // All that decides about trust: equal keys share connections.
  const check = checkServerIdentity === undefined ? 0 : numberFor(checkServerIdentity)
  const key = [numberFor(secureContext), check, rejectUnauthorized !== false, servername ?? ''].join()
  return tlsIsolation(client, key, own.isolation, { ...tls, ...(servername !== undefined && { servername }) } as TlsOptions)
}

/** Numbers of TLS contexts and functions. */
const numbers = new WeakMap<object, number>()
let lastNumber = 0

function numberFor(object: object): number {
  const number = numbers.get(object) ?? ++lastNumber
  numbers.set(object, number)
  return number
}

function textOf(options: GrpcChannelOptions, name: string): string | undefined {
  const given = options[name]
  if (given === undefined) return undefined
  if (typeof given !== 'string') throw invalidOption(name, 'text', given)
  return given
}

function numberOf(options: GrpcChannelOptions, name: string): number | undefined {
  const given = options[name]
  if (given === undefined) return undefined
  if (typeof given !== 'number' || !Number.isInteger(given)) throw invalidOption(name, 'a whole number', given)
  return given
}

/** Options that a channel uses. */
const USED: ReadonlySet<string> = new Set([
  ...['grpc.ssl_target_name_override', 'grpc.default_authority', 'grpc.primary_user_agent', 'grpc.secondary_user_agent'],
  ...['grpc.max_send_message_length', 'grpc.max_receive_message_length', COMPRESSION],
])
/** Options whose subject is a matter of the client, as docs/guides/grpc.md says. */
const OF_THE_CLIENT: ReadonlySet<string> = new Set([
  ...[
    'grpc.keepalive_time_ms',
    'grpc.keepalive_timeout_ms',
    'grpc.keepalive_permit_without_calls',
    'grpc.max_concurrent_streams',
  ],
  ...['grpc.initial_reconnect_backoff_ms', 'grpc.max_reconnect_backoff_ms', 'grpc.min_reconnect_backoff_ms'],
  ...[
    'grpc.use_local_subchannel_pool',
    'grpc.enable_http_proxy',
    'grpc.dns_min_time_between_resolutions_ms',
    'grpc.client_idle_timeout_ms',
  ],
  ...['grpc.enable_channelz', 'grpc.channelFactoryOverride', 'grpc-node.max_session_memory', 'grpc-node.flow_control_window'],
  ...['grpc-node.tls_enable_trace', 'grpc.per_rpc_retry_buffer_size', 'grpc.retry_buffer_size'],
])
const warned = new Set<string>()

/** Warns once of each option of gRPC that has no effect here. */
function warnOfOthers(options: GrpcChannelOptions): void {
  for (const name of Object.keys(options)) {
    if (!name.startsWith('grpc') || USED.has(name) || OF_THE_CLIENT.has(name) || warned.has(name)) continue
    warned.add(name)
    process.emitWarning(`a gRPC channel of unshard does not use the option ${printable(name)}`, 'UnshardWarning')
  }
}
