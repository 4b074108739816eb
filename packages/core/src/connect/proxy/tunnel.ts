/**
 * A tunnel on one stream of an HTTP/2 connection to a proxy (RFC 9113 §8.5): a duplex stream outside, the content of a CONNECT and of
 * its answer inside. END_STREAM is FIN, RST_STREAM is RST, and flow control is the stream's own, both ways.
 */

import { Duplex } from 'node:stream'
import type { Content } from '../../message/request-content.js'
import type { ResponseBody } from '../../message/response-body.js'
import type { Clock } from '../../runtime/clock.js'
import { setImmediate } from '../../runtime/event-loop.js'
import type { Exchange } from '../../transport/exchange.js'
import type { Carrier } from '../../transport/route.js'

/** How long a tunnel that was ended may wait for the other end's END_STREAM before it is reset, milliseconds. */
const LINGER_MS = 1_000

/** Where a tunnel begins. */
export interface TunnelEnds {
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  readonly localAddress: string | undefined
  readonly localPort: number | undefined
  readonly clock: Clock
  /** The tunnel keeps the process alive, or no longer. */
  onHold(held: boolean): void
}

/** What is written into the tunnel, as the content of a request: one part at a time, taken when the stream has room for it. */
class Upstream implements AsyncIterator<Uint8Array> {
  #part: Uint8Array | undefined
  #taken: ((error?: Error) => void) | undefined
  #ended = false
  #waiting: ((result: IteratorResult<Uint8Array>) => void) | undefined
  /** Nobody takes any more. */
  onLeft: (() => void) | undefined

  /** `taken` is called when the stream wants the next one. */
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
    // May write the next part, or end.
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

  /** A write that nobody will take fails with the tunnel. */
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

/** The tunnel. Its creator opens the stream with {@link content}, and starts it when the proxy has said yes. */
export class Tunnel extends Duplex implements Carrier {
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  readonly localAddress: string | undefined
  readonly localPort: number | undefined
  readonly #ends: TunnelEnds
  readonly #upstream = new Upstream()
  /** Its stream, once that is open. */
  exchange: Exchange | undefined
  #body: ResponseBody | undefined
  #reading = false
  #held = true

  constructor(ends: TunnelEnds) {
    // As a socket that Node connects: who hears the end ends.
    super({ allowHalfOpen: false })
    this.#ends = ends
    this.remoteAddress = ends.remoteAddress
    this.remotePort = ends.remotePort
    this.localAddress = ends.localAddress
    this.localPort = ends.localPort
    // Not at once: what ended the stream is on its way to the reader, and says more.
    this.#upstream.onLeft = () => void setImmediate(() => this.destroy(new Error('the proxy reads no more from the tunnel')))
    // Between one owner and the next an error must not become an exception of the process.
    this.on('error', () => undefined)
    ends.onHold(true)
  }

  /** What is written into the tunnel, for the request that opens it. */
  get content(): Content {
    return { bytes: undefined, length: undefined, type: undefined, replayable: false, open: () => this.#upstream }
  }

  /** The proxy has said yes: what it sends from now on comes out of the tunnel. */
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

  /** Our end was said. RST_STREAM now would make the proxy send a RST, and the origin lose what it has not read (RFC 9113 §8.5). */
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
