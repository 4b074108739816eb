/** Options of the transports, checked. Those of the connection are options of the client. */

import type { Interceptor } from '@connectrpc/connect'
import type { CommonTransportOptions, Compression } from '@connectrpc/connect/protocol'
import { UsageError } from '@unshard/core'
import {
  flagRow,
  invalidOption,
  namesOf,
  number,
  numberIn,
  type OptionSchema,
  ownOptions,
  shownValue,
  unknownOption,
  value,
} from '@unshard/core/internal'
import { compressionBrotli, compressionGzip } from './compression.js'

/** Options of `createGrpcTransport()` and `createGrpcWebTransport()`. */
export interface RpcTransportOptions {
  /** URL before the names of service and method, such as `https://api.example/rpc`. */
  readonly baseUrl: string | URL
  /** Whether messages are binary rather than JSON. @default true */
  readonly useBinaryFormat?: boolean
  /** Interceptors of Connect-ES around each call; those of the client are inside. @default `[]` */
  readonly interceptors?: readonly Interceptor[]
  /** Options of the JSON format, for `@bufbuild/protobuf`. */
  readonly jsonOptions?: CommonTransportOptions['jsonOptions']
  /** Options of the binary format, for `@bufbuild/protobuf`. */
  readonly binaryOptions?: CommonTransportOptions['binaryOptions']
  /** Compressions of responses, the preferred one first. @default gzip, br */
  readonly acceptCompression?: readonly Compression[]
  /** Compression of requests. @default no compression */
  readonly sendCompression?: Compression | null
  /** Minimum size of a message that is compressed, in bytes. @default 1,024 */
  readonly compressMinBytes?: number
  /** Maximum size of a received message, in bytes. @default 4,294,967,295 */
  readonly readMaxBytes?: number
  /** Maximum size of a sent message, in bytes. @default 4,294,967,295 */
  readonly writeMaxBytes?: number
  /** Deadline of calls that have none, in milliseconds. 0 disables it, as for a call. */
  readonly defaultTimeoutMs?: number
}

/** Options of `createConnectTransport()`. */
export interface ConnectTransportOptions extends RpcTransportOptions {
  /** Whether calls without side effects are sent as GET, which caches can answer. @default false */
  readonly useHttpGet?: boolean
}

/** Maximum size of a message: that of the length in its prefix. */
const MAX_BYTES = 0xffff_ffff

/** Options of `createGrpcTransport()` and `createGrpcWebTransport()`. */
export const RPC_TRANSPORT_OPTIONS: OptionSchema<RpcTransportOptions> = {
  baseUrl: value('an absolute URL', 'required'),
  useBinaryFormat: flagRow(true),
  interceptors: value('a list of functions', '`[]`'),
  jsonOptions: value('an object'),
  binaryOptions: value('an object'),
  acceptCompression: value('a list of compressions', 'gzip, br'),
  sendCompression: value('a compression, `null`', 'no compression'),
  compressMinBytes: number(1_024, 0, MAX_BYTES, 'bytes'),
  readMaxBytes: number(MAX_BYTES, 1, MAX_BYTES, 'bytes'),
  writeMaxBytes: number(MAX_BYTES, 1, MAX_BYTES, 'bytes'),
  defaultTimeoutMs: value('milliseconds'),
}

/** Options of `createConnectTransport()`. */
export const CONNECT_TRANSPORT_OPTIONS: OptionSchema<ConnectTransportOptions> = {
  ...RPC_TRANSPORT_OPTIONS,
  useHttpGet: flagRow(false),
}

/** Options of `@connectrpc/connect-node` that describe connections, and what to use instead. */
const OF_THE_CLIENT: Readonly<Record<string, string>> = {
  connectTimeoutMs: 'timeouts.connect',
  httpVersion: 'protocols and cleartextProtocol',
  idleConnectionTimeoutMs: 'idleTimeoutMs',
  nodeOptions: 'tls',
  pingIdleConnection: 'keepalive',
  pingIntervalMs: 'keepalive',
  pingTimeoutMs: 'keepalive',
  sessionManager: 'pools',
}

/** Options as Connect-ES takes them, without the HTTP client. */
export type CheckedOptions = Omit<CommonTransportOptions, 'httpClient'>

/**
 * Checks options.
 * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`, `ERR_INVALID_URL`.
 */
export function checkTransportOptions(
  options: ConnectTransportOptions,
  schema: OptionSchema<RpcTransportOptions>,
  taker: string,
): CheckedOptions {
  const names = namesOf(schema)
  for (const name of Object.keys(options ?? {})) {
    if (Object.hasOwn(OF_THE_CLIENT, name) && !names.has(name))
      throw unknownOption(name, new Set(), '', taker, `: use the option ${OF_THE_CLIENT[name]} of createClient()`)
  }
  const given = ownOptions(options ?? (null as never), names, '', taker)
  const { jsonOptions, binaryOptions, defaultTimeoutMs } = given
  const { sendCompression = null, acceptCompression = [compressionGzip, compressionBrotli] } = given
  return {
    baseUrl: checkBaseUrl(given.baseUrl),
    useBinaryFormat: checkFlag('useBinaryFormat', given.useBinaryFormat, true),
    interceptors: checkInterceptors(given.interceptors),
    ...(jsonOptions !== undefined && { jsonOptions: checkObject('jsonOptions', jsonOptions) }),
    ...(binaryOptions !== undefined && { binaryOptions: checkObject('binaryOptions', binaryOptions) }),
    acceptCompression: checkCompressions(acceptCompression),
    sendCompression: sendCompression === null ? null : checkCompression('sendCompression', sendCompression),
    compressMinBytes: numberIn(RPC_TRANSPORT_OPTIONS, given, 'compressMinBytes'),
    readMaxBytes: numberIn(RPC_TRANSPORT_OPTIONS, given, 'readMaxBytes'),
    writeMaxBytes: numberIn(RPC_TRANSPORT_OPTIONS, given, 'writeMaxBytes'),
    ...deadlineOf(defaultTimeoutMs),
    useHttpGet: checkFlag('useHttpGet', given.useHttpGet, false),
  }
}

function checkBaseUrl(given: string | URL | undefined): string {
  const text = typeof given === 'string' || given instanceof URL ? String(given) : undefined
  const url = text !== undefined && URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined && (url.protocol === 'https:' || url.protocol === 'http:') && url.search === '' && url.hash === '')
    return text!
  throw new UsageError('ERR_INVALID_URL', `option baseUrl takes an absolute URL without query, not ${shownValue(text ?? given)}`)
}

function checkFlag(name: string, given: boolean | undefined, fallback: boolean): boolean {
  if (given === undefined || typeof given === 'boolean') return given ?? fallback
  throw invalidOption(name, 'true or false', given)
}

function checkObject<Options extends object>(name: string, given: Options): Options {
  if (typeof given === 'object' && given !== null) return given
  throw invalidOption(name, 'an object', given)
}

function checkInterceptors(given: readonly Interceptor[] | undefined): Interceptor[] {
  if (given === undefined) return []
  if (Array.isArray(given) && given.every((each) => typeof each === 'function')) return [...given]
  throw invalidOption('interceptors', 'a list of functions', given)
}

function checkCompressions(given: readonly Compression[]): Compression[] {
  if (!Array.isArray(given)) throw invalidOption('acceptCompression', 'a list of compressions', given)
  return given.map((each: Compression) => checkCompression('acceptCompression', each))
}

function checkCompression(name: string, given: Compression): Compression {
  if (typeof given?.compress === 'function' && typeof given.decompress === 'function') return given
  throw invalidOption(name, 'compressions, such as compressionGzip', given)
}

function deadlineOf(given: number | undefined): Pick<CheckedOptions, 'defaultTimeoutMs'> {
  // Connect-ES would end each call at once for 0, although it means no deadline for a call.
  if (given === undefined || given === 0) return {}
  if (typeof given === 'number' && given > 0 && given <= 0x7fff_ffff) return { defaultTimeoutMs: given }
  throw invalidOption('defaultTimeoutMs', 'milliseconds from 0 to 2147483647', given)
}
