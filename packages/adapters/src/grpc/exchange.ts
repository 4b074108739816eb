/**
 * One attempt of a call: a request of HTTP/2 whose content and response are messages. Messages are
 * delivered one by one, as they are asked for: an unread one holds the server back.
 */

import type { Client, HttpResponse, RequestOptions } from '@unshard/core'
import { fieldList } from '@unshard/core/internal'
import { Cancellation } from '../streams/cancellation.js'
import { decompress, type Encoding, encodingOf, isTooLarge } from './compression.js'
import { type Frame, FrameError, FrameReader } from './frames.js'
import { isGrpc, notGrpc, type Outcome, outcomeOf, outcomeOfError, outcomeOfFields, Status } from './status.js'

/** Notified of an attempt; `onOutcome` comes last, and once. */
export interface ExchangeListener {
  /** Initial metadata: names and values in turn. Does not come for a response without messages. */
  onHeaders(fields: readonly string[]): void
  onMessage(message: Uint8Array): void
  onOutcome(outcome: Outcome): void
}

/** A running attempt. */
export class Exchange {
  readonly #listener: ExchangeListener
  readonly #cancellation: Cancellation
  readonly #mostBytes: number
  readonly #reader: FrameReader
  #response: HttpResponse | undefined
  #parts: AsyncIterator<Uint8Array> | undefined
  #encoding: Encoding | 'identity' | undefined
  /** A complete message that nothing has asked for yet. */
  #held: Uint8Array | undefined
  #wanted = 0
  #isReading = false
  #isOver = false

  /**
   * @param options of the request, for this exchange alone: it sets the signal.
   * @param mostBytes maximum length of a received message, before and after decompression.
   */
  constructor(client: Client, options: RequestOptions, mostBytes: number, listener: ExchangeListener) {
    this.#listener = listener
    this.#mostBytes = mostBytes
    this.#reader = new FrameReader(mostBytes)
    this.#cancellation = new Cancellation(options.signal)
    const own = options as { signal: AbortSignal } & RequestOptions
    own.signal = this.#cancellation.signal
    client.request(own).then(
      (response) => this.#answered(response),
      (error: unknown) => this.#over(outcomeOfError(error)),
    )
  }

  /** The response, once its fields have arrived. */
  get response(): HttpResponse | undefined {
    return this.#response
  }

  /** Asks for one more message. */
  read(): void {
    this.#wanted++
    this.#pump()
  }

  /** Takes a message that is here already, instead of {@link read}. */
  take(): Uint8Array | undefined {
    const message = this.#held
    if (message === undefined || this.#wanted > 0 || this.#isOver) return undefined
    this.#held = undefined
    this.#pump()
    return message
  }

  /** Ends the attempt with this outcome, unless it is over. */
  cancel(outcome: Outcome): void {
    if (this.#isOver) return
    this.#over(outcome)
  }

  /** Resets the stream. Called if the request is still being sent although the response is complete. */
  stopSending(): void {
    this.#cancellation.cancel(new Error('the call is over'))
  }

  #answered(response: HttpResponse): void {
    this.#response = response
    if (this.#isOver) return response.discard()
    const fields = fieldList(response.headers)
    const last = outcomeOfFields(fields)
    const type = response.headers.get('content-type')
    if (last !== undefined || response.status !== 200 || !isGrpc(type)) {
      response.discard()
      return this.#over(last ?? notGrpc(response, type))
    }
    const encoding = response.headers.get('grpc-encoding') ?? 'identity'
    this.#encoding = encodingOf(encoding)
    if (this.#encoding === undefined) {
      return this.#over(
        outcomeOf(Status.INTERNAL, `the encoding ${JSON.stringify(encoding.slice(0, 40))} of the server is not known`),
      )
    }
    response.onBroken((error) => this.#over(outcomeOfError(error)))
    this.#parts = response.body
    this.#listener.onHeaders(fields)
    this.#pump()
  }

  /** Reads until a message is held that nothing has asked for, or the end. */
  #pump(): void {
    if (this.#isReading || this.#parts === undefined) return
    this.#isReading = true
    try {
      while (!this.#isOver && this.#advance());
    } catch (error) {
      const isLarge = error instanceof FrameError && error.isTooLarge
      this.#over(outcomeOf(isLarge ? Status.RESOURCE_EXHAUSTED : Status.INTERNAL, (error as Error).message, error))
    }
  }

  /** Takes one step. @returns whether another can be taken now. */
  #advance(): boolean {
    if (this.#held !== undefined) return this.#deliver(this.#held)
    const frame = this.#reader.next()
    if (frame !== undefined) return this.#hold(frame)
    const part = this.#response!.takePart()
    if (part === undefined) {
      this.#parts!.next().then(
        (result) => this.#resume(() => void this.#received(result)),
        (error: unknown) => this.#over(outcomeOfError(error)),
      )
      return false
    }
    return this.#received(part)
  }

  #received({ done, value }: IteratorResult<Uint8Array>): boolean {
    if (done !== true) {
      this.#reader.add(value)
      return true
    }
    this.#ended()
    return false
  }

  #hold(frame: Frame): boolean {
    if (!frame.isCompressed) {
      this.#held = frame.bytes
      return true
    }
    const encoding = this.#encoding
    if (encoding === undefined || encoding === 'identity')
      throw new FrameError('a message is compressed, and the response has no grpc-encoding', false)
    decompress(frame.bytes, encoding, this.#mostBytes).then(
      (message) =>
        this.#resume(() => {
          this.#held = message
        }),
      (error: Error) => {
        const most = `a message is larger than the maximum of ${this.#mostBytes} bytes`
        if (isTooLarge(error)) this.#over(outcomeOf(Status.RESOURCE_EXHAUSTED, most, error))
        else this.#over(outcomeOf(Status.INTERNAL, `a message cannot be decompressed: ${error.message}`, error))
      },
    )
    return false
  }

  #deliver(message: Uint8Array): boolean {
    if (this.#wanted === 0) {
      this.#isReading = false
      return false
    }
    this.#wanted--
    this.#held = undefined
    this.#listener.onMessage(message)
    return true
  }

  #resume(step: () => void): void {
    if (this.#isOver) return
    step()
    this.#isReading = false
    this.#pump()
  }

  #ended(): void {
    const outcome = outcomeOfFields(fieldList(this.#response!.trailers!))
    // A server that gives up inside a message says why in the trailers.
    if (this.#reader.isInside && (outcome === undefined || outcome.code === Status.OK))
      return this.#over(outcomeOf(Status.INTERNAL, 'the content ended inside a message'))
    this.#over(outcome ?? outcomeOf(Status.INTERNAL, 'the response has no valid grpc-status'))
  }

  #over(outcome: Outcome): void {
    if (this.#isOver) return
    this.#isOver = true
    if (this.#response?.complete !== true) this.#cancellation.cancel(outcome.error ?? new Error(outcome.details))
    this.#listener.onOutcome(outcome)
  }
}
