/** `WebSocketStream` of the WebSockets standard (https://github.com/whatwg/websockets/pull/48): messages as streams with back-pressure. */

import { types } from 'node:util'
import { clientOfProcess } from '../fetch/default.js'
import { checkCloseCode, checkProtocols, checkReason, checkUrl, enforced } from './arguments.js'
import type { CloseOutcome } from './close-outcome.js'
import { FrameExchange } from './frame-exchange.js'
import { type Handshake, openHandshake } from './handshake.js'
import { checkOptions, ownInit, type WebSocketStreamInit } from './options.js'
import { uncleanError, type WebSocketCloseInfo, WebSocketError } from './web-socket-error.js'

/** A message: text, or bytes. */
export type WebSocketMessage = string | Uint8Array

/** An open {@link WebSocketStream}. */
export interface WebSocketOpenInfo {
  /** Messages of the server. While they are not read, the server is held back. */
  readonly readable: ReadableStream<WebSocketMessage>
  /** Messages to the server. A write waits until the connection has taken the message. */
  readonly writable: WritableStream<string | ArrayBufferLike | ArrayBufferView>
  /** The subprotocol that the server chose, or an empty string. */
  readonly protocol: string
  /** The extensions that the server chose, or an empty string. */
  readonly extensions: string
}

/**
 * A WebSocket as a pair of streams, with back-pressure in both directions. As {@link WebSocket}, it is a stream of HTTP/2 where the server
 * offers it.
 */
export class WebSocketStream {
  readonly #url: URL
  readonly #abort = new AbortController()
  readonly #opened: Promise<WebSocketOpenInfo>
  readonly #closed: Promise<Required<WebSocketCloseInfo>>
  #settleClosed!: { resolve(info: Required<WebSocketCloseInfo>): void; reject(error: unknown): void }
  #exchange: FrameExchange | undefined
  #isClosing = false
  #reader!: ReadableStreamDefaultController<WebSocketMessage>
  #writer!: WritableStreamDefaultController

  /**
   * Opens a WebSocket. A failure rejects `opened` and `closed`.
   * @param url with the scheme `wss:`, `ws:`, `https:` or `http:`, without a fragment.
   * @throws DOMException `SyntaxError` for an invalid URL or subprotocol.
   * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`.
   */
  constructor(url: string | URL, options: WebSocketStreamInit = {}) {
    const init = ownInit(options, 'WebSocketStream()')
    this.#url = checkUrl(url)
    const request = {
      ...checkOptions(init),
      url: this.#url,
      protocols: checkProtocols(init.protocols),
      signal: this.#abort.signal,
    }
    this.#closed = new Promise((resolve, reject) => {
      this.#settleClosed = { resolve, reject }
    })
    const onAbort = (): void => this.#abort.abort(init.signal!.reason)
    if (init.signal?.aborted) onAbort()
    init.signal?.addEventListener('abort', onAbort, { once: true })
    this.#opened = openHandshake(init.client ?? clientOfProcess(), request)
      .finally(() => init.signal?.removeEventListener('abort', onAbort))
      .then(
        (handshake) => this.#open(handshake, request.limits),
        (error: unknown) => this.#fail(error),
      )
    // A caller may wait for one of them only.
    this.#opened.catch(() => undefined)
    this.#closed.catch(() => undefined)
  }

  /** The URL, serialized. */
  get url(): string {
    return this.#url.href
  }

  /**
   * Resolves with the streams when the WebSocket is open. Rejects with the reason of the signal, or with a `WebSocketError` whose `cause`
   * is the error of the handshake.
   */
  get opened(): Promise<WebSocketOpenInfo> {
    return this.#opened
  }

  /** Resolves with the server's code and reason after a clean close. Rejects with a `WebSocketError` after any other end. */
  get closed(): Promise<Required<WebSocketCloseInfo>> {
    return this.#closed
  }

  /**
   * Starts the closing handshake; ends the opening one.
   * @throws DOMException `InvalidAccessError` unless `closeCode` is 1000 or 3000 to 4999, `SyntaxError` if `reason` is over 123 bytes.
   */
  close({ closeCode, reason }: WebSocketCloseInfo = {}): void {
    this.#close(checkCloseCode(enforced(closeCode)), checkReason(reason))
  }

  #close(code: number | undefined, reason: Buffer): void {
    if (this.#isClosing) return
    this.#isClosing = true
    if (this.#exchange !== undefined) this.#exchange.close(code, reason)
    else this.#abort.abort(new WebSocketError('the WebSocket was closed before it was open'))
  }

  /** The reason of an abort or a cancel decides the Close frame, if it has a code. */
  #closeWith(reason: unknown): void {
    const { closeCode, reason: text } = reason instanceof WebSocketError ? reason : { closeCode: null, reason: '' }
    try {
      this.#close(checkCloseCode(closeCode ?? undefined), checkReason(text))
    } catch {
      // A code of the server, such as 1006, cannot be sent.
      this.#close(undefined, Buffer.alloc(0))
    }
  }

  #open(handshake: Handshake, limits: ConstructorParameters<typeof FrameExchange>[1]): WebSocketOpenInfo {
    if (this.#isClosing || this.#abort.signal.aborted) {
      handshake.duplex.destroy()
      return this.#fail(this.#abort.signal.reason)
    }
    const exchange = new FrameExchange(handshake, limits, {
      message: (data, isBinary) => this.#message(data, isBinary),
      closing: () => {
        this.#isClosing = true
      },
      closed: (outcome) => this.#end(outcome),
    })
    this.#exchange = exchange
    const readable = new ReadableStream<WebSocketMessage>({
      start: (controller) => {
        this.#reader = controller
      },
      pull: () => exchange.resume(),
      cancel: (reason) => this.#closeWith(reason),
    })
    const writable = new WritableStream<string | ArrayBufferLike | ArrayBufferView>({
      start: (controller) => {
        this.#writer = controller
        // `abort` is called once a write that waits has settled, which may be never.
        const { signal } = controller as unknown as { readonly signal: AbortSignal }
        signal.addEventListener('abort', () => this.#closeWith(signal.reason), { once: true })
      },
      write: (chunk) => this.#write(chunk),
      close: () => {
        this.#close(undefined, Buffer.alloc(0))
        return this.#closed.then(() => undefined)
      },
      abort: (reason) => this.#closeWith(reason),
    })
    exchange.start()
    return { readable, writable, protocol: handshake.protocol, extensions: handshake.extensions }
  }

  /** Fails before the WebSocket is open. */
  #fail(reason: unknown): never {
    this.#isClosing = true
    const isOwn = reason === this.#abort.signal.reason
    const error = isOwn ? reason : uncleanError({ code: 1_006, reason: '', wasClean: false, error: reason as Error })
    this.#settleClosed.reject(error)
    throw error
  }

  #message(data: Buffer, isBinary: boolean): void {
    // Each message has its own buffer, so that it can be transferred.
    this.#reader.enqueue(isBinary ? new Uint8Array(data) : data.toString())
    if (this.#reader.desiredSize! <= 0) this.#exchange!.pause()
  }

  #write(chunk: unknown): Promise<void> {
    const data = bytesOf(chunk) ?? `${chunk as string}`
    const length = typeof data === 'string' ? Buffer.byteLength(data) : data.byteLength
    return new Promise((resolve) => {
      this.#exchange!.send(data, typeof data !== 'string', length, () => resolve())
    })
  }

  #end(outcome: CloseOutcome): void {
    if (outcome.wasClean) {
      close(this.#reader)
      this.#writer.error(new DOMException('the WebSocket is closed', 'InvalidStateError'))
      return this.#settleClosed.resolve({ closeCode: outcome.code, reason: outcome.reason })
    }
    const error = uncleanError(outcome)
    this.#reader.error(error)
    this.#writer.error(error)
    this.#settleClosed.reject(error)
  }
}

for (const name of ['url', 'opened', 'closed', 'close'])
  Object.defineProperty(WebSocketStream.prototype, name, { enumerable: true })
Object.defineProperty(WebSocketStream.prototype, Symbol.toStringTag, { value: 'WebSocketStream', configurable: true })

/** Closes a stream, unless its reader has cancelled it. */
function close(controller: ReadableStreamDefaultController<WebSocketMessage>): void {
  try {
    controller.close()
  } catch {
    // Cancelled.
  }
}

function bytesOf(chunk: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  return types.isAnyArrayBuffer(chunk) ? new Uint8Array(chunk) : undefined
}
