/** `WebSocket` of the WebSockets standard (https://websockets.spec.whatwg.org/). */

import { types } from 'node:util'
import type { Client } from '@unshard/core'
import { clientOfProcess } from '../fetch/default.js'
import { checkClient } from '../observation/check-client.js'
import { checkCloseCode, checkProtocols, checkReason, checkUrl } from './arguments.js'
import type { CloseOutcome } from './close-outcome.js'
import { EventHandlers, type EventName, type Handler } from './event-handlers.js'
import { closeEvent, errorEvent, type WebSocketEventMap } from './events.js'
import { FrameExchange } from './frame-exchange.js'
import { type Handshake, openHandshake } from './handshake.js'
import { checkOptions, ownInit, ownWebSocketOptions, type WebSocketInit, type WebSocketOptions } from './options.js'

const CONNECTING = 0
const OPEN = 1
const CLOSING = 2
const CLOSED = 3

type State = 0 | 1 | 2 | 3

const NOT_OPENED = { code: 1_006, reason: '', wasClean: false } as const

/** A listener of an event. */
type Listener<Kind> = ((event: Kind) => unknown) | { handleEvent(event: Kind): unknown } | null
type AddOptions = Parameters<EventTarget['addEventListener']>[2]

/**
 * A WebSocket with the interface of the platform's, on a stream of HTTP/2 (RFC 8441) that shares a connection with requests; on HTTP/1.1
 * (RFC 6455) if the server offers no extended CONNECT. `new WebSocket(url, protocols)` uses the client that `fetch` uses; the second
 * argument may be options as well.
 */
export class WebSocket extends EventTarget {
  static readonly CONNECTING: typeof CONNECTING = CONNECTING
  static readonly OPEN: typeof OPEN = OPEN
  static readonly CLOSING: typeof CLOSING = CLOSING
  static readonly CLOSED: typeof CLOSED = CLOSED
  declare readonly CONNECTING: typeof CONNECTING
  declare readonly OPEN: typeof OPEN
  declare readonly CLOSING: typeof CLOSING
  declare readonly CLOSED: typeof CLOSED

  readonly #url: URL
  readonly #abort = new AbortController()
  readonly #handlers = new EventHandlers(this)
  #state: State = CONNECTING
  #binaryType: 'blob' | 'arraybuffer' = 'blob'
  #bufferedAmount = 0
  #protocol = ''
  #extensions = ''
  #exchange: FrameExchange | undefined

  /**
   * Opens a WebSocket. A failure is reported by the events `error` and `close`.
   * @param url with the scheme `wss:`, `ws:`, `https:` or `http:`, without a fragment.
   * @param protocols subprotocols, or options.
   * @throws DOMException `SyntaxError` for an invalid URL or subprotocol.
   * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`.
   */
  constructor(url: string | URL, protocols?: string | readonly string[] | WebSocketInit) {
    super()
    const isInit = typeof protocols === 'object' && protocols !== null && !(Symbol.iterator in protocols)
    const init: WebSocketInit = isInit
      ? ownInit(protocols, 'WebSocket()')
      : { protocols: protocols as string | readonly string[] }
    this.#url = checkUrl(url)
    const request = {
      ...checkOptions(init),
      url: this.#url,
      protocols: checkProtocols(init.protocols),
      signal: this.#abort.signal,
    }
    const events = {
      message: (data: Buffer, isBinary: boolean) => this.#message(data, isBinary),
      closing: () => {
        this.#state = CLOSING
      },
      closed: (outcome: CloseOutcome) => this.#closed(outcome),
    }
    openHandshake(init.client ?? clientOfProcess(), request).then(
      (handshake) => this.#opened(handshake, new FrameExchange(handshake, request.limits, events)),
      (error: Error) => this.#closed({ ...NOT_OPENED, error }),
    )
  }

  /** The URL, serialized. */
  get url(): string {
    return this.#url.href
  }

  /** `CONNECTING`, `OPEN`, `CLOSING` or `CLOSED`. */
  get readyState(): State {
    return this.#state
  }

  /** Bytes of messages that the connection has not taken yet, without the bytes of frames. */
  get bufferedAmount(): number {
    return this.#bufferedAmount
  }

  /** The subprotocol that the server chose, or an empty string. */
  get protocol(): string {
    return this.#protocol
  }

  /** The extensions that the server chose, or an empty string. */
  get extensions(): string {
    return this.#extensions
  }

  /** Type of the data of binary messages. @default `blob` */
  get binaryType(): 'blob' | 'arraybuffer' {
    return this.#binaryType
  }

  set binaryType(type: 'blob' | 'arraybuffer') {
    // As in the standard, other values are ignored.
    if (type === 'blob' || type === 'arraybuffer') this.#binaryType = type
  }

  /**
   * Sends a message. Data for a WebSocket that is closing is dropped, as in the standard.
   * @throws DOMException `InvalidStateError` before the event `open`.
   */
  send(...given: [data: string | ArrayBufferLike | ArrayBufferView | Blob]): void {
    if ((given.length as number) === 0) throw new TypeError('send() takes the data of a message')
    if (this.#state === CONNECTING)
      throw new DOMException('the WebSocket is not open yet: wait for the event open', 'InvalidStateError')
    const content = contentOf(given[0])
    const bytes =
      content instanceof Blob ? content.size : typeof content === 'string' ? Buffer.byteLength(content) : content.byteLength
    this.#bufferedAmount += bytes
    // The standard counts what is dropped as well.
    if (this.#state !== OPEN) return
    this.#exchange!.send(content, typeof content !== 'string', bytes, (error) => {
      if (!error) this.#bufferedAmount -= bytes
    })
  }

  /**
   * Starts the closing handshake; ends the opening one.
   * @param code 1000, or 3000 to 4999.
   * @param reason of at most 123 bytes.
   * @throws DOMException `InvalidAccessError` for another code, `SyntaxError` for a longer reason.
   */
  close(code?: number, reason?: string): void {
    const checkedCode = checkCloseCode(code === undefined ? undefined : clamped(code))
    const checkedReason = checkReason(reason)
    if (this.#state >= CLOSING) return
    const wasOpen = this.#state === OPEN
    this.#state = CLOSING
    if (wasOpen) this.#exchange!.close(checkedCode, checkedReason)
    else this.#abort.abort(new DOMException('the WebSocket was closed before it was open', 'AbortError'))
  }

  /** Handler of the event `open`. */
  get onopen(): Handler<'open'> {
    return this.#handlers.get('open')
  }

  set onopen(handler: Handler<'open'>) {
    this.#handlers.set('open', handler)
  }

  /** Handler of the event `message`. */
  get onmessage(): Handler<'message'> {
    return this.#handlers.get('message')
  }

  set onmessage(handler: Handler<'message'>) {
    this.#handlers.set('message', handler)
  }

  /** Handler of the event `error`. */
  get onerror(): Handler<'error'> {
    return this.#handlers.get('error')
  }

  set onerror(handler: Handler<'error'>) {
    this.#handlers.set('error', handler)
  }

  /** Handler of the event `close`. */
  get onclose(): Handler<'close'> {
    return this.#handlers.get('close')
  }

  set onclose(handler: Handler<'close'>) {
    this.#handlers.set('close', handler)
  }

  /** Adds a listener, as every `EventTarget` does. */
  override addEventListener<Name extends EventName>(
    type: Name,
    listener: Listener<WebSocketEventMap[Name]>,
    options?: AddOptions,
  ): void
  override addEventListener(type: string, listener: Listener<Event>, options?: AddOptions): void
  override addEventListener(type: string, listener: Listener<never>, options?: AddOptions): void {
    super.addEventListener(type, listener as never, options)
  }

  #opened({ protocol, extensions, duplex }: Handshake, exchange: FrameExchange): void {
    // close() was called while the response arrived.
    if (this.#state !== CONNECTING) {
      duplex.destroy()
      return this.#closed({ ...NOT_OPENED, error: this.#abort.signal.reason as Error })
    }
    this.#protocol = protocol
    this.#extensions = extensions
    this.#exchange = exchange
    this.#state = OPEN
    this.dispatchEvent(new Event('open'))
    exchange.start()
  }

  #message(data: Buffer, isBinary: boolean): void {
    this.dispatchEvent(
      new MessageEvent('message', { data: isBinary ? this.#binary(data) : data.toString(), origin: this.#url.origin }),
    )
  }

  #binary(data: Buffer): Blob | ArrayBuffer {
    if (this.#binaryType === 'blob') return new Blob([data])
    return data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) as ArrayBuffer
  }

  #closed(outcome: CloseOutcome): void {
    this.#state = CLOSED
    if (outcome.error !== undefined) this.dispatchEvent(errorEvent(outcome.error))
    this.dispatchEvent(closeEvent(outcome))
  }
}

for (const [name, value] of Object.entries({ CONNECTING, OPEN, CLOSING, CLOSED })) {
  for (const target of [WebSocket, WebSocket.prototype])
    Object.defineProperty(target, name, { value, enumerable: true, writable: false, configurable: false })
}
for (const name of ['url', 'readyState', 'bufferedAmount', 'protocol', 'extensions', 'binaryType', 'send', 'close'])
  Object.defineProperty(WebSocket.prototype, name, { enumerable: true })
Object.defineProperty(WebSocket.prototype, Symbol.toStringTag, { value: 'WebSocket', configurable: true })

/**
 * Opens a WebSocket through a client: see {@link WebSocket}.
 * @param protocols subprotocols, the preferred one first.
 * @throws DOMException `SyntaxError` for an invalid URL or subprotocol.
 * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`.
 */
export function createWebSocket(
  client: Client,
  url: string | URL,
  protocols: string | readonly string[] = [],
  options: WebSocketOptions = {},
): WebSocket {
  checkClient(client)
  return new WebSocket(url, { ...ownWebSocketOptions(options), protocols, client })
}

/** Returns the content of a message. */
function contentOf(data: unknown): string | Uint8Array | Blob {
  if (data instanceof Blob) return data
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  if (types.isAnyArrayBuffer(data)) return new Uint8Array(data)
  return `${data as string}`
}

/** Web IDL `[Clamp] unsigned short`. */
function clamped(code: number): number {
  const number = Number(code)
  return Number.isNaN(number) ? 0 : Math.round(Math.min(Math.max(number, 0), 0xffff))
}
