/**
 * A tunnel on one stream of an HTTP/2 connection to a proxy (RFC 9113 §8.5): a Duplex that carries
 * the content of a CONNECT request and of its response. END_STREAM maps to FIN, RST_STREAM to RST;
 * the stream's flow control applies in both directions.
 */

import { Duplex } from 'node:stream'
import type { Content } from '../../message/request-content.js'
import type { ResponseBody } from '../../message/response-body.js'
import type { Clock } from '../../runtime/clock.js'
import { setImmediate } from '../../runtime/event-loop.js'
import type { Exchange } from '../../transport/exchange.js'
import type { Carrier } from '../../transport/route.js'

/**
 * How long a closed tunnel waits for END_STREAM of the proxy before it resets the stream, in
 * milliseconds.
 */
const LINGER_MS = 1_000

/** The addresses of a tunnel, and its owner. */
export interface TunnelEnds {
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  readonly localAddress: string | undefined
  readonly localPort: number | undefined
  readonly clock: Clock
  /** Called when the tunnel starts or stops keeping the process alive. */
  onHold(held: boolean): void
}

/**
 * Bytes written into the tunnel, as request content: one part at a time, read when the stream has
 * room.
 */
class Upstream implements AsyncIterator<Uint8Array> {
  #part: Uint8Array | undefined
  #taken: ((error?: Error) => void) | undefined
  #ended = false
  #waiting: ((result: IteratorResult<Uint8Array>) => void) | undefined
  /** Called when the stream reads no more. */
  onLeft: (() => void) | undefined

  /** `taken` is called when the stream wants the next part. */
  write(part: Uint8Array, taken: (error?: Error) => void): void {
    this.#taken = taken
    this.#give({ done: false, value: part })
  }

  end(taken: () => void): void {
    this.#ended = true
    this.#give({ done: true, value: undefined })
    taken()
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const taken = this.#taken
    this.#taken = undefined
    // The callback may write the next part, or end.
    taken?.()
    const part = this.#part
    this.#part = undefined
    if (part !== undefined) return Promise.resolve({ done: false, value: part })
    if (this.#ended) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve) => {
      this.#waiting = resolve
    })
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.onLeft?.()
    return Promise.resolve({ done: true, value: undefined })
  }

  /** Fails a pending write. */
  fail(error: Error): void {
    const taken = this.#taken
    this.#taken = undefined
    this.#part = undefined
    taken?.(error)
  }

  #give(result: IteratorResult<Uint8Array>): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting !== undefined) waiting(result)
    else if (result.done !== true) this.#part = result.value
  }
}

/**
 * The tunnel. Its creator opens the stream with {@link content}, and calls {@link start} on a 2xx
 * response.
 */
export class Tunnel extends Duplex implements Carrier {
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  readonly localAddress: string | undefined
  readonly localPort: number | undefined
  readonly #ends: TunnelEnds
  readonly #upstream = new Upstream()
  /** The CONNECT request, once sent. */
  exchange: Exchange | undefined
  #body: ResponseBody | undefined
  #reading = false
  #held = true

  constructor(ends: TunnelEnds) {
    // As for a socket that Node connects: when the peer ends, this side ends.
    super({ allowHalfOpen: false })
    this.#ends = ends
    this.remoteAddress = ends.remoteAddress
    this.remotePort = ends.remotePort
    this.localAddress = ends.localAddress
    this.localPort = ends.localPort
    // Deferred: the error that ended the stream is about to reach the reader, and is more specific.
    this.#upstream.onLeft = () => void setImmediate(() => this.destroy(new Error('the proxy stopped reading from the tunnel')))
    // An error while the tunnel changes owners must not crash the process.
    this.on('error', () => undefined)
    ends.onHold(true)
  }

  /** The bytes written into the tunnel, as content of the CONNECT request. */
  get content(): Content {
    return { bytes: undefined, length: undefined, type: undefined, replayable: false, open: () => this.#upstream }
  }

  /** Starts reading from the proxy, after a 2xx response. */
  start(body: ResponseBody): void {
    this.#body = body
  }

  ref(): this {
    this.#hold(true)
    return this
  }

  unref(): this {
    this.#hold(false)
    return this
  }

  override _read(): void {
    if (this.#reading || this.#body === undefined) return
    this.#reading = true
    this.#body.next().then(
      ({ done, value }) => {
        this.#reading = false
        this.push(done === true ? null : value)
      },
      (error: Error) => this.destroy(error),
    )
  }

  override _write(part: Uint8Array, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#upstream.write(part, callback)
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#upstream.end(callback)
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#hold(false)
    const unread = !this.readableEnded
    this.#upstream.onLeft = undefined
    if (error === null && this.writableFinished) {
      if (unread) this.#linger()
    } else {
      this.#upstream.fail(error ?? new Error('the tunnel was closed'))
      this.exchange?.abort(error ?? new Error('the tunnel was closed'))
    }
    callback(error)
  }

  /**
   * After END_STREAM was sent: RST_STREAM now would cause a RST to the origin, which would lose
   * unread bytes (RFC 9113 §8.5).
   */
  #linger(): void {
    const reset = this.#ends.clock.startTimer(LINGER_MS, () => this.exchange?.abort(new Error('the tunnel was closed')))
    reset.unref()
    const over = (): void => reset.cancel()
    const drain = (): Promise<void> => this.#body!.next().then(({ done }) => (done === true ? undefined : drain()))
    if (this.#body === undefined) return
    drain().then(over, over)
  }

  #hold(held: boolean): void {
    if (held === this.#held) return
    this.#held = held
    this.#ends.onHold(held)
  }
}
