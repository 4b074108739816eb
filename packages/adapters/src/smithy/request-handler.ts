/** A request handler of Smithy clients, such as those of the AWS SDK for JavaScript v3, over a client. Imports nothing from Smithy. */

import { type Client, type Clock, systemClock, type Timeouts, UsageError } from '@unshard/core'
import {
  flagRow,
  invalidOption,
  milliseconds,
  namesOf,
  numberIn,
  type OptionSchema,
  ownOptions,
  value,
} from '@unshard/core/internal'
import { checkClock } from '../interceptors/checks.js'
import { checkClient } from '../observation/check-client.js'
import type { SmithyHandleOptions, SmithyRequest, SmithyResponse } from './contract.js'
import { abortError, destroyedError, toHandlerError } from './errors.js'
import { toRequest } from './request-options.js'
import { isSignal, SignedRequest } from './signed-request.js'

/** Where warnings go. */
export interface SmithyLogger {
  // biome-ignore lint/suspicious/noExplicitAny: the type of a logger of the SDK.
  warn?(...content: any[]): void
}

/** Options of `requestHandler()`: those of the SDK's own handlers that concern a request. Times are in milliseconds; 0 disables one. */
export interface RequestHandlerOptions {
  /** Time to establish a connection: resolving, TCP and TLS. @default the client's */
  readonly connectionTimeout?: number
  /** Time from the call to the fields of the response, uploads included. A command may have its own. @default 0 */
  readonly requestTimeout?: number
  /** Time without a byte, while the response or more content is waited for. @default the client's */
  readonly socketTimeout?: number
  /** Whether a request that exceeds `requestTimeout` fails; else the logger gets a warning. @default true */
  readonly throwOnRequestTimeout?: boolean
  /** Gets the warnings. The SDK sets that of its client if this is not set. @default the console */
  readonly logger?: SmithyLogger
  /** Clock of `requestTimeout`. @default the machine's */
  readonly clock?: Clock
}

/** Options of `requestHandler()`. */
export const REQUEST_HANDLER_OPTIONS: OptionSchema<RequestHandlerOptions> = {
  connectionTimeout: value('milliseconds', "the client's"),
  requestTimeout: milliseconds(0),
  socketTimeout: value('milliseconds', "the client's"),
  throwOnRequestTimeout: flagRow(true),
  logger: value('an object with `warn()`', 'the console'),
  clock: value('a clock', "the machine's"),
}

const NAMES = namesOf(REQUEST_HANDLER_OPTIONS)

/** Options of the SDK's own handlers that concern connections, and those of `createClient()` that replace them. */
const OF_THE_CLIENT: ReadonlyMap<string, string> = new Map([
  ['disableConcurrentStreams', "protocols: ['http/1.1']"],
  ['httpAgent', 'proxy, lookup and maxConnectionsPerOrigin'],
  ['httpsAgent', 'tls, proxy, lookup and maxConnectionsPerOrigin'],
  ['maxConcurrentStreams', 'maxConnectionsPerOrigin, if any: requests above the limit of the server wait'],
  ['nodeHttp2ConnectOptions', 'tls and lookup'],
  ['sessionTimeout', 'idleTimeoutMs'],
  ['socketAcquisitionWarningTimeout', 'timeouts.queue'],
])

/** The symbol by which the SDK passes the logger of its client. */
const LOGGER = Symbol.for('logger')

/**
 * Makes the `requestHandler` of a Smithy client, such as one of the AWS SDK for JavaScript v3. Several of them may share one handler, and
 * several handlers one client. Neither retries nor follows redirects: the SDK does.
 * @param client sends the requests. It stays open when the handler is destroyed.
 * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`.
 */
export function requestHandler(client: Client, options?: RequestHandlerOptions): RequestHandler {
  return new RequestHandler(client, options)
}

/** A request handler of Smithy clients. */
export class RequestHandler {
  /**
   * The protocol by whose rules a Smithy client makes its requests. With this one it signs the field `host`, which is the authority over
   * HTTP/2 as well (RFC 9113 §8.3.1). The connection decides which protocol is spoken.
   */
  readonly metadata = { handlerProtocol: 'http/1.1' }
  readonly #client: Client
  #options: RequestHandlerOptions
  #timeouts: Timeouts | undefined
  /** Ends the requests in flight. */
  #destruction = new AbortController()

  /** @internal See {@link requestHandler}. */
  constructor(client: Client, options?: RequestHandlerOptions) {
    checkClient(client)
    this.#client = client
    this.#options = checkOptions(options)
    this.#timeouts = timeoutsOf(this.#options)
  }

  /**
   * Sends a request. Resolves with the response, whatever its status, as soon as its fields have arrived, even while content is still being
   * sent.
   * @throws RequestHandlerError with the names and codes of the SDK's own handlers; the error of the request's own content.
   */
  async handle(request: SmithyRequest, options: SmithyHandleOptions = {}): Promise<{ response: SmithyResponse }> {
    const { abortSignal = undefined, requestTimeout: own } = options ?? {}
    if (abortSignal?.aborted === true) throw abortError(isSignal(abortSignal) ? abortSignal.reason : undefined, 'no')
    try {
      const { throwOnRequestTimeout, clock = systemClock } = this.#options
      const { requestTimeout: ms = 0 } = isAbsent(own) ? this.#options : checkOptions({ requestTimeout: own })
      const signed = new SignedRequest({
        timeouts: this.#timeouts,
        abortSignal: abortSignal ?? undefined,
        destroyed: this.#destruction.signal,
        requestTimeout: ms,
        clock,
        onSlow: throwOnRequestTimeout === false ? () => this.#warn(request, ms) : undefined,
      })
      return { response: await signed.send(this.#client, toRequest(request)) }
    } catch (error) {
      throw toHandlerError(error)
    }
  }

  /**
   * Ends the requests of this handler that are in flight, with their responses, by `ERR_CLIENT_DESTROYED`. The client and its connections
   * stay open, and later requests are sent, as by the SDK's own handlers: `destroy()` of one SDK client calls this.
   */
  destroy(): void {
    const destruction = this.#destruction
    this.#destruction = new AbortController()
    destruction.abort(destroyedError())
  }

  /**
   * Changes an option. Of the settings that the SDK passes by symbols, only the logger is used, unless the option is set.
   * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`.
   */
  updateHttpClientConfig(key: keyof RequestHandlerOptions | (string & {}) | symbol, value: unknown): void {
    if (key === LOGGER && isObject(value)) this.#options = { logger: value, ...this.#options }
    if (typeof key === 'symbol') return
    this.#options = checkOptions({ ...this.#options, [key]: value })
    this.#timeouts = timeoutsOf(this.#options)
  }

  /** Returns the options. */
  httpHandlerConfigs(): RequestHandlerOptions {
    return { ...this.#options }
  }

  #warn({ method, protocol, hostname }: SmithyRequest, ms: number): void {
    const message = `a request has exceeded the requestTimeout of ${ms} ms: ${method} ${protocol}//${hostname}`
    const { logger = console } = this.#options
    logger.warn?.(message)
  }
}

function checkOptions(given: RequestHandlerOptions | undefined): RequestHandlerOptions {
  const foreign = Object.keys(given ?? {}).find((name) => OF_THE_CLIENT.has(name))
  if (foreign !== undefined) {
    const message = `unknown option ${foreign} of requestHandler(): use the options of createClient() instead: ${OF_THE_CLIENT.get(foreign)}`
    throw new UsageError('ERR_UNKNOWN_OPTION', message)
  }
  const { throwOnRequestTimeout, logger, clock, ...own } = ownOptions(given, NAMES, '', 'requestHandler()')
  const options: Record<string, unknown> = {}
  for (const name of ['connectionTimeout', 'requestTimeout', 'socketTimeout'] as const)
    if (own[name] !== undefined) options[name] = numberIn(TIMES, own, name)
  if (throwOnRequestTimeout !== undefined) {
    if (typeof throwOnRequestTimeout !== 'boolean')
      throw invalidOption('throwOnRequestTimeout', 'true or false', throwOnRequestTimeout)
    options['throwOnRequestTimeout'] = throwOnRequestTimeout
  }
  if (logger !== undefined && logger !== null) {
    if (typeof logger !== 'object') throw invalidOption('logger', 'an object with warn()', logger)
    options['logger'] = logger
  }
  if (clock !== undefined) options['clock'] = checkClock(clock)
  return options
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** Whether the SDK has no value: it uses `??`. */
function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null
}

const TIMES = { connectionTimeout: milliseconds(0), requestTimeout: milliseconds(0), socketTimeout: milliseconds(0) }

/** The deadlines of the client that the options set. */
function timeoutsOf({ connectionTimeout, socketTimeout }: RequestHandlerOptions): Timeouts | undefined {
  if (connectionTimeout === undefined && socketTimeout === undefined) return undefined
  return {
    ...(connectionTimeout === undefined ? undefined : { connect: connectionTimeout }),
    ...(socketTimeout === undefined ? undefined : { headers: socketTimeout, body: socketTimeout }),
  }
}
