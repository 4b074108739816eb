/**
 * Source of a `Response`: the client's response, or local content such as that of a `data:` URL.
 */

import { type ConnectionInfo, Fields, type Timings } from '@unshard/core'

/** The part of the client's `HttpResponse` that a `Response` needs. */
export interface Answer {
  readonly status: number
  readonly statusText: string
  readonly headers: Fields
  readonly trailers: Fields | undefined
  /** `undefined` if no connection was used. */
  readonly connection: ConnectionInfo | undefined
  /** `undefined` if no connection was used. */
  readonly timings?: Timings | undefined
  /** Bytes of content received, before decoding. */
  readonly receivedBytes?: number
  /** Parts, each in a buffer that holds nothing else. */
  readonly body: AsyncIterableIterator<Uint8Array>
  /** Reading has begun. */
  readonly bodyUsed: boolean
  /** All content has arrived: it no longer occupies a stream. */
  readonly complete: boolean
  text(): Promise<string>
  bytes(): Promise<Uint8Array>
  discard(reason?: unknown): void
  /**
   * Calls `listener` when the content ends with an error while no part of it waits to be read. One
   * listener only.
   */
  onBroken(listener: (reason: unknown) => void): void
}

type Head = Pick<Answer, 'status' | 'statusText' | 'headers' | 'trailers' | 'connection' | 'timings' | 'receivedBytes'>

/** Content in memory or in a `Blob`. */
export class LocalAnswer implements Answer {
  readonly #head: Head
  readonly #content: Uint8Array | Blob
  #discarded: { readonly reason: unknown } | undefined
  readonly complete = true
  readonly bodyUsed = false

  constructor(head: Head, content: Uint8Array | Blob) {
    this.#head = head
    this.#content = content
  }

  get status(): number {
    return this.#head.status
  }

  get statusText(): string {
    return this.#head.statusText
  }

  get headers(): Fields {
    return this.#head.headers
  }

  get trailers(): Fields | undefined {
    return this.#head.trailers
  }

  get connection(): ConnectionInfo | undefined {
    return this.#head.connection
  }

  get timings(): Timings | undefined {
    return this.#head.timings
  }

  get receivedBytes(): number {
    return this.#head.receivedBytes ?? 0
  }

  get body(): AsyncIterableIterator<Uint8Array> {
    return this.#read()
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes())
  }

  async bytes(): Promise<Uint8Array> {
    if (this.#discarded !== undefined) throw this.#discarded.reason
    const content = this.#content
    // Copy: the recipient may change the bytes or transfer them to another thread.
    return content instanceof Uint8Array ? new Uint8Array(content) : new Uint8Array(await content.arrayBuffer())
  }

  discard(reason?: unknown): void {
    this.#discarded ??= { reason }
  }

  onBroken(): void {
    // Local content cannot be interrupted.
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    if (this.#content instanceof Uint8Array) {
      if (this.#content.length > 0) yield new Uint8Array(this.#content)
      return
    }
    for await (const part of this.#content.stream() as unknown as AsyncIterable<Uint8Array>) {
      if (this.#discarded !== undefined) throw this.#discarded.reason
      yield part
    }
  }
}

/** Creates the head of a local response (Fetch standard §4.2, "scheme fetch"). */
export function localHead(type: string, length: number | undefined, status = 200, fields: readonly string[] = []): Head {
  const list = [...(length === undefined ? [] : ['content-length', String(length)]), 'content-type', type, ...fields]
  const statusText = status === 206 ? 'Partial Content' : 'OK'
  return { status, statusText, headers: new Fields(list), trailers: undefined, connection: undefined }
}
