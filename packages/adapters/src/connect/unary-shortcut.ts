/**
 * Unary calls without the streams of Connect-ES, which take more time than the rest of a call. An interceptor, the
 * innermost one, answers what is simple by itself: one message that is not compressed, and a success. Everything else
 * is for Connect-ES: which errors there are, and what they say, is decided there.
 */

import type { Interceptor, UnaryRequest, UnaryResponse } from '@connectrpc/connect'
import type { UniversalClientFn, UniversalClientResponse } from '@connectrpc/connect/protocol'
import type { Client } from '@unshard/core'
import { parse, serialize } from './messages.js'
import type { CheckedOptions } from './transport-options.js'
import type { UnaryProtocol } from './unary-protocols.js'
import { send, unaryClient } from './universal-client.js'

type Next = Parameters<Interceptor>[0]
type Answer = ReturnType<Next>

/** The content of a response, as far as it was read. */
interface ReadContent {
  readonly parts: readonly Uint8Array[]
  readonly complete: boolean
}

/** The shortcut of one transport: both members belong to its options. */
export class UnaryShortcut {
  readonly #client: Client
  readonly #options: CheckedOptions
  readonly #protocol: UnaryProtocol
  readonly #accepted: ReadonlySet<string>
  /** Responses that are for Connect-ES, by the fields of their requests, which it passes on. */
  readonly #received = new WeakMap<Headers, UniversalClientResponse>()
  readonly interceptor: Interceptor
  readonly httpClient: UniversalClientFn

  constructor(client: Client, options: CheckedOptions, protocol: UnaryProtocol) {
    this.#client = client
    this.#options = options
    this.#protocol = protocol
    this.#accepted = new Set(options.acceptCompression.map(({ name }) => name))
    const others = unaryClient(client, protocol.http2Only)
    this.httpClient = (request) => {
      const received = this.#received.get(request.header)
      if (received === undefined) return others(request)
      // An interceptor may call again with the same fields: that is another attempt.
      this.#received.delete(request.header)
      return Promise.resolve(received)
    }
    this.interceptor = (next) => (request) => {
      const content = request.stream ? undefined : this.#contentOf(request)
      return content === undefined ? next(request) : this.#call(request as UnaryRequest, content, next)
    }
  }

  /**
   * Returns the content of a request; `undefined` if it may be compressed, is too large or may be a GET, and if the
   * message cannot be encoded: Connect-ES then says why.
   */
  #contentOf(request: UnaryRequest): Uint8Array | undefined {
    const { useBinaryFormat, useHttpGet, binaryOptions, sendCompression, compressMinBytes, writeMaxBytes } = this.#options
    if (!useBinaryFormat || useHttpGet === true) return undefined
    const message = encoded(request, binaryOptions)
    if (message === undefined || message.length > writeMaxBytes) return undefined
    // Whether a message of just this size is compressed differs between the protocols.
    if (sendCompression !== null && message.length >= compressMinBytes) return undefined
    if (this.#protocol.contentEncoding !== undefined) request.header.delete(this.#protocol.contentEncoding)
    return this.#protocol.contentOf(message)
  }

  async #call(request: UnaryRequest, content: Uint8Array, next: Next): Answer {
    const { url, header, signal } = request
    const response = await send(this.#client, { url, method: 'POST', header, signal }, content, this.#protocol.http2Only)
    if (response.status !== 200 || !this.#protocol.isSimple(response.header, this.#accepted))
      return this.#pass(request, response, next)
    const read = await this.#read(response)
    const answer = read.complete ? this.#answer(request, response, whole(read.parts)) : undefined
    return answer ?? this.#pass(request, { ...response, body: again(read, response.body) }, next)
  }

  /** Leaves a response to Connect-ES. */
  #pass(request: UnaryRequest, response: UniversalClientResponse, next: Next): Answer {
    this.#received.set(request.header, response)
    return next(request)
  }

  /** Reads the content, unless it is larger than a message may be. */
  async #read({ body }: UniversalClientResponse): Promise<ReadContent> {
    const parts: Uint8Array[] = []
    let length = 0
    // A loop with `for await` would end the response when it is left.
    const iterator = body[Symbol.asyncIterator]()
    for (let part = await iterator.next(); part.done !== true; part = await iterator.next()) {
      parts.push(part.value)
      length += part.value.length
      if (length > this.#options.readMaxBytes) return { parts, complete: false }
    }
    return { parts, complete: true }
  }

  /** Returns the response, unless it is for Connect-ES. */
  #answer(request: UnaryRequest, response: UniversalClientResponse, content: Uint8Array): UnaryResponse | undefined {
    try {
      const found = this.#protocol.open(response, content)
      if (found === undefined) return undefined
      const { service, method } = request
      const message = parse(request, found.message, this.#options.binaryOptions)
      return { stream: false, service, method, header: found.header, message, trailer: found.trailer }
    } catch {
      // Malformed: Connect-ES says how.
      return undefined
    }
  }
}

function encoded(request: UnaryRequest, options: CheckedOptions['binaryOptions']): Uint8Array | undefined {
  try {
    return serialize(request, options)
  } catch {
    return undefined
  }
}

function whole(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}

/** Iterates over what was read, and then over the rest. */
async function* again({ parts, complete }: ReadContent, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* parts
  if (!complete) yield* rest
}
