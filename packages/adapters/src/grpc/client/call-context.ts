/** The checked settings of one client, and the requests of its calls. */

import { type Client, Fields, type RequestBody, type RequestOptions, UsageError } from '@unshard/core'
import { invalidOption, numberIn, ownOptions, shownValue } from '@unshard/core/internal'
import { compress, type Encoding } from '../compression.js'
import { frameOf, PREFIX_BYTES } from '../frames.js'
import { cleartextIsolation } from '../isolations.js'
import { requestFields } from '../request-fields.js'
import { userAgent } from '../user-agent.js'
import { CallRetries } from './call-retries.js'
import type { Method, ProtobufFunctions } from './definition.js'
import { type MetadataInput, metadataFields } from './metadata.js'
import { CALL_NAMES, CLIENT_NAMES, GRPC_CLIENT_OPTIONS, type GrpcCallOptions, type GrpcClientOptions } from './options.js'
import { type MethodConfig, ServiceConfigs } from './retry-policy.js'

/** `application/grpc` is protobuf unless a subtype says otherwise. */
const CONTENT_TYPE = 'application/grpc'

/** A call before it is sent. */
export interface Call {
  readonly config: MethodConfig
  readonly metadata: readonly (readonly [string, string])[]
  /** By the wall clock; `undefined` without one. */
  readonly deadlineAt: number | undefined
  readonly signal: AbortSignal | undefined
}

/** The checked settings of a client. */
export class CallContext {
  readonly client: Client
  readonly origin: string
  readonly protobuf: ProtobufFunctions | undefined
  readonly configs: ServiceConfigs
  readonly mostReceived: number
  readonly #baseUrl: string
  readonly #isolation: string | undefined
  readonly #userAgent: string
  readonly #metadata: readonly (readonly [string, string])[]
  readonly #timeoutMs: number
  readonly #encoding: Encoding | undefined
  readonly #mostSent: number

  /** @throws UsageError if an option is not valid. */
  constructor(client: Client, given: GrpcClientOptions) {
    const own = ownOptions(given, CLIENT_NAMES, '', 'grpcClient()')
    const { baseUrl, isolation, compression } = own
    const url = urlOf(baseUrl)
    if (compression !== undefined && compression !== 'gzip' && compression !== 'deflate')
      throw invalidOption('compression', "'gzip' or 'deflate'", compression)
    this.client = client
    this.origin = url.protocol.includes('unix') ? url.href : url.origin
    this.protobuf = own.protobuf
    this.configs = new ServiceConfigs(own.serviceConfig)
    this.mostReceived = numberIn(GRPC_CLIENT_OPTIONS, own, 'maxReceiveBytes')
    this.#baseUrl = url.href.replace(/\/$/, '')
    this.#isolation =
      url.protocol.startsWith('http:') || url.protocol.startsWith('http+') ? cleartextIsolation(client, isolation) : isolation
    this.#userAgent = userAgent(own.userAgent)
    this.#metadata = metadataFields(own.metadata)
    this.#timeoutMs = numberIn(GRPC_CLIENT_OPTIONS, own, 'timeoutMs')
    this.#encoding = compression
    this.#mostSent = numberIn(GRPC_CLIENT_OPTIONS, own, 'maxSendBytes')
  }

  /** @throws UsageError if an option is not valid. */
  call(method: Method<never, unknown>, given: GrpcCallOptions | undefined): Call {
    const own = given === undefined ? NO_OPTIONS : ownOptions(given, CALL_NAMES, '', 'a gRPC call')
    const config = this.configs.of(method.service, method.name)
    const timeoutMs = leastOf(own.timeoutMs === undefined ? this.#timeoutMs : checkedMs(own.timeoutMs), config.timeoutMs)
    return {
      config,
      metadata: merged(this.#metadata, own.metadata),
      deadlineAt: timeoutMs === 0 ? undefined : Date.now() + timeoutMs,
      signal: own.signal,
    }
  }

  /** The retries of a call; `undefined` if its method has no policy. */
  retries(call: Call): CallRetries | undefined {
    const { retry } = call.config
    return retry === undefined ? undefined : new CallRetries(this.configs, retry, call)
  }

  /**
   * The options of a request.
   * @param body one message as it is sent, or a source of them.
   * @param previousAttempts attempts of the call before this one.
   */
  request(method: Method<never, unknown>, call: Call, body: RequestBody, previousAttempts = 0): RequestOptions {
    const { metadata, deadlineAt, signal } = call
    const timeoutMs = deadlineAt === undefined ? undefined : Math.max(1, deadlineAt - Date.now())
    const { mostReceived } = this
    const fields = requestFields({
      contentType: CONTENT_TYPE,
      userAgent: this.#userAgent,
      timeoutMs,
      encoding: this.#encoding,
      previousAttempts,
      metadata,
    })
    // All members in one literal, present or not: members that are spread in take longer than the rest of a call.
    const options = {
      method: 'POST',
      url: this.#baseUrl + method.path,
      headers: new Fields(fields),
      body,
      http2Only: true,
      isolation: this.#isolation,
      timeouts: timeoutMs === undefined ? undefined : { total: timeoutMs },
      signal,
      maxBodyBytes: mostReceived + PREFIX_BYTES,
    }
    return options as RequestOptions
  }

  /**
   * Returns a message as it is sent.
   * @throws UsageError `ERR_INVALID_BODY` if it is too large.
   */
  frame(message: Uint8Array): Uint8Array | Promise<Uint8Array> {
    if (message.length > this.#mostSent)
      throw new UsageError(
        'ERR_INVALID_BODY',
        `a message of ${message.length} bytes is larger than the maximum of ${this.#mostSent} bytes`,
      )
    const encoding = this.#encoding
    return encoding === undefined ? frameOf(message, false) : compress(message, encoding).then((bytes) => frameOf(bytes, true))
  }
}

const NO_OPTIONS: GrpcCallOptions = {}

function urlOf(given: string | URL | undefined): URL {
  try {
    const url = new URL(given!)
    if (/^https?(\+unix)?:$/.test(url.protocol) && url.search === '' && url.hash === '') return url
  } catch {
    // Refused below.
  }
  throw new UsageError(
    'ERR_INVALID_URL',
    `option baseUrl: ${shownValue(String(given))} must be a URL such as https://api.example`,
  )
}

function merged(
  defaults: readonly (readonly [string, string])[],
  given: MetadataInput | undefined,
): readonly (readonly [string, string])[] {
  if (given === undefined) return defaults
  const own = metadataFields(given)
  if (defaults.length === 0) return own
  const names = new Set(own.map(([name]) => name))
  return [...defaults.filter(([name]) => !names.has(name)), ...own]
}

function checkedMs(value: number): number {
  if (!(value >= 0 && value <= 0x7fff_ffff)) throw invalidOption('timeoutMs', '0 to 2,147,483,647', value)
  return value
}

/** The shorter of two times; 0 and `undefined` mean that there is no limit. */
function leastOf(first: number, second: number | undefined): number {
  if (second === undefined) return first
  return first === 0 ? second : Math.min(first, second)
}
