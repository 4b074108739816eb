/**
 * Writes one request to a socket (RFC 9112). Small content in memory goes in one write with the
 * head; a source is read at the pace of the socket.
 */

import { CONTINUE_WAIT_MS, ContentSender, type ContentSink } from '../message/content-sender.js'
import type { HttpRequest } from '../message/request.js'
import type { Clock, ClockTimer } from '../runtime/clock.js'
import type { Carrier } from '../transport/route.js'
import { isChunked, requestHead } from './request-head.js'

/** Maximum content copied behind the head, so that both are one write, in bytes. */
const JOINED_BYTES = 16_384

/** The owner of a writer. */
export interface WriterHost {
  /** Called when the whole request is written. */
  onWritten(): void
  /** Called when the source failed or yielded invalid content. */
  contentFailed(cause: unknown): void
}

/** The writer of one request. */
export class RequestWriter implements ContentSink {
  readonly #request: HttpRequest
  readonly #socket: Carrier
  readonly #host: WriterHost
  #sender: ContentSender | undefined
  #chunked = false
  /** Timer while content waits for 100, or `upgrade` while it waits for 101. */
  #wait: ClockTimer | 'upgrade' | undefined
  #memoryBytes = 0
  /** Whether the whole request is written. */
  done = false
  /** Whether writing has stopped. */
  #stopped = false

  constructor(request: HttpRequest, socket: Carrier, host: WriterHost) {
    this.#request = request
    this.#socket = socket
    this.#host = host
  }

  /** Content bytes passed to the socket. */
  get sentBytes(): number {
    return this.#sender?.sentBytes ?? this.#memoryBytes
  }

  /** Writes the head and starts the content. */
  start(forwarding: readonly string[] | undefined, close: boolean, clock: Clock): void {
    const request = this.#request
    const { content } = request
    if (content === undefined) {
      this.#socket.write(requestHead(request, forwarding, close), 'latin1')
      this.#written()
      return
    }
    const upgrades = request.protocol !== undefined
    const expects = upgrades || request.expectsContinue === true
    const head = requestHead(request, forwarding, close)
    this.#chunked = isChunked(request)
    if (!expects && content.bytes !== undefined) return this.#writeWhole(head, content.bytes)
    this.#socket.write(head, 'latin1')
    // RFC 9110 §7.8: the new protocol begins after 101.
    if (upgrades) this.#wait = 'upgrade'
    else if (expects) this.#wait = clock.startTimer(CONTINUE_WAIT_MS, () => this.goOn())
    else this.#send()
  }

  /** Sends the content: the server sent 100 or 101, or the wait timed out. */
  goOn(): void {
    if (this.#wait === undefined) return
    this.#endWait()
    this.#send()
  }

  /**
   * Cancels content that waits for 100, because a final response has begun (RFC 9110 §10.1.1). The
   * connection is then not reused.
   */
  answered(): void {
    if (this.#wait !== undefined) this.stop()
  }

  /** Continues after the socket's buffer is empty. */
  resume(): void {
    this.#sender?.resume()
  }

  /** Stops writing and closes the source, with the reason. */
  stop(reason?: unknown): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#endWait()
    this.#sender?.stop(reason)
  }

  write(bytes: Uint8Array | undefined, end: boolean): boolean {
    const socket = this.#socket
    if (!this.#chunked) {
      if (bytes !== undefined && bytes.length > 0) socket.write(bytes)
    } else {
      socket.cork()
      if (bytes !== undefined && bytes.length > 0) {
        socket.write(`${bytes.length.toString(16)}\r\n`, 'latin1')
        socket.write(bytes)
        socket.write('\r\n', 'latin1')
      }
      // RFC 9112 §7.1: the last chunk, without trailers.
      if (end) socket.write('0\r\n\r\n', 'latin1')
      socket.uncork()
    }
    if (end) this.#ended()
    return !socket.writableNeedDrain
  }

  contentFailed(cause: unknown): void {
    this.#host.contentFailed(cause)
  }

  #endWait(): void {
    if (this.#wait !== 'upgrade') this.#wait?.cancel()
    this.#wait = undefined
  }

  #send(): void {
    const content = this.#request.content!
    if (content.bytes !== undefined) {
      this.#memoryBytes = content.bytes.length
      this.#socket.write(content.bytes)
      return this.#ended()
    }
    this.#sender = new ContentSender(this.#request, content, this)
    this.#sender.start()
  }

  #writeWhole(head: string, bytes: Uint8Array): void {
    const socket = this.#socket
    this.#memoryBytes = bytes.length
    if (bytes.length <= JOINED_BYTES) {
      const whole = Buffer.allocUnsafe(head.length + bytes.length)
      whole.write(head, 0, 'latin1')
      whole.set(bytes, head.length)
      socket.write(whole)
    } else {
      socket.cork()
      socket.write(head, 'latin1')
      socket.write(bytes)
      socket.uncork()
    }
    this.#written()
  }

  #ended(): void {
    // The content of another protocol has no other end.
    if (this.#request.protocol !== undefined) this.#socket.end()
    this.#written()
  }

  #written(): void {
    this.done = true
    this.#host.onWritten()
  }
}
