/** The options of `grpcClient()` and of its calls. */

import { namesOf, number, type OptionSchema, value } from '@unshard/core/internal'
import type { Encoding } from '../compression.js'
import type { ProtobufFunctions } from './definition.js'
import type { MetadataInput } from './metadata.js'
import type { ServiceConfig } from './retry-policy.js'

/** Options of {@link grpcClient}. */
export interface GrpcClientOptions {
  /** URL of the server, such as `https://api.example`. A path stands in front of those of the methods. */
  readonly baseUrl: string | URL
  /** `@bufbuild/protobuf` 2, for methods of protobuf-es. */
  readonly protobuf?: ProtobufFunctions
  /** Metadata of every call; that of a call replaces the same names. */
  readonly metadata?: MetadataInput
  /** Time until the deadline of a call, in milliseconds; 0 for no deadline. @default 0 */
  readonly timeoutMs?: number
  /** Encoding of messages that are sent; received ones may have any. */
  readonly compression?: Encoding
  /** Maximum length of a received message, in bytes, before and after decompression. @default 4,194,304 */
  readonly maxReceiveBytes?: number
  /** Maximum length of a sent message, in bytes. @default 4,294,967,295 */
  readonly maxSendBytes?: number
  /** Retries and deadlines by method, in the format of gRPC. */
  readonly serviceConfig?: ServiceConfig
  /** Stands in front of this client's name in the field `user-agent`. */
  readonly userAgent?: string
  /** Isolation of the requests: those with different values never share a connection. */
  readonly isolation?: string
}

/** The rows of {@link GrpcClientOptions}. */
export const GRPC_CLIENT_OPTIONS: OptionSchema<GrpcClientOptions> = {
  baseUrl: value('a URL', 'required'),
  protobuf: value('the module `@bufbuild/protobuf`'),
  metadata: value('a record, pairs'),
  timeoutMs: number(0, 0, 0x7fff_ffff, 'ms'),
  compression: value('`gzip`, `deflate`'),
  maxReceiveBytes: number(4_194_304, 0, 0xffff_ffff, 'bytes'),
  maxSendBytes: number(0xffff_ffff, 0, 0xffff_ffff, 'bytes'),
  serviceConfig: value('a service config of gRPC'),
  userAgent: value('text'),
  isolation: value('text'),
}

/** Options of one call. */
export interface GrpcCallOptions {
  /** Metadata of the call. @default that of the client */
  readonly metadata?: MetadataInput
  /** Time until the deadline, in milliseconds; 0 for no deadline. @default that of the client */
  readonly timeoutMs?: number
  /** Ends the call: its promise or its messages reject with `signal.reason`. */
  readonly signal?: AbortSignal
}

/** The rows of {@link GrpcCallOptions}. */
export const GRPC_CALL_OPTIONS: OptionSchema<GrpcCallOptions> = {
  metadata: value('a record, pairs', 'that of the client'),
  timeoutMs: value('0 to 2,147,483,647 ms', 'that of the client'),
  signal: value('an `AbortSignal`'),
}

/** Names of the options of a client. */
export const CLIENT_NAMES: ReadonlySet<string> = namesOf(GRPC_CLIENT_OPTIONS)
/** Names of the options of a call. */
export const CALL_NAMES: ReadonlySet<string> = namesOf(GRPC_CALL_OPTIONS)
