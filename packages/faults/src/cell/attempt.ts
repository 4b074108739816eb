/** One request and its outcome. */

import type { Client, HttpResponse, RequestOptions } from '@unshard/core'
import { patternBytes } from '@unshard/testkit'
import type { Kind } from '../phases.js'
import { hashOf, ID_FIELD, summaryOf } from '../server/handler.js'
import { gate, until } from './time.js'

/** Ending of a request: the complete right response, or an error. */
export type Ending = { readonly ok: true } | { readonly ok: false; readonly error: unknown }

export interface AttemptOptions {
  readonly url: string
  readonly id: string
  readonly kind: Kind
  /** Length of the content, and of the response of `/half`, in bytes. */
  readonly size: number
  /** A streamed source yields its first part, and the rest when this resolves. */
  readonly goOn?: Promise<void>
  /** The response is not read before this resolves. */
  readonly readAfter?: Promise<void>
  readonly timeouts?: RequestOptions['timeouts']
}

/** Number of parts of streamed content. */
const PARTS = 4

export class Attempt {
  readonly id: string
  /** Always resolves. */
  readonly ending: Promise<Ending>
  /** Resolves when the first part of the response has been read. */
  readonly firstPart: Promise<void>
  settled = false
  response: HttpResponse | undefined
  readonly #options: AttemptOptions
  readonly #first = gate()

  constructor(client: Client, options: AttemptOptions) {
    this.#options = options
    this.id = options.id
    this.firstPart = this.#first.promise
    this.ending = this.#run(client).then(
      () => this.#settle({ ok: true }),
      (error: unknown) => this.#settle({ ok: false, error }),
    )
  }

  get method(): string {
    return this.#options.kind === 'get' ? 'GET' : 'POST'
  }

  /** Resolves when the response has arrived, completely if `complete`. */
  async arrived(complete: boolean): Promise<void> {
    await until(
      10_000,
      'the response',
      () => this.settled || (this.response?.complete ?? false) || (!complete && !!this.response),
    )
    if (this.settled && this.response === undefined) throw new Error('the request failed before the fault')
  }

  #settle(ending: Ending): Ending {
    this.settled = true
    return ending
  }

  async #run(client: Client): Promise<void> {
    const { url, id, kind, size, readAfter, goOn, timeouts } = this.#options
    const bytes = kind === 'get' ? new Uint8Array(0) : patternBytes(size)
    const response = await client.request({
      url,
      method: kind === 'get' ? 'GET' : 'POST',
      headers: { [ID_FIELD]: id },
      ...(kind === 'post' && { body: bytes }),
      ...(kind === 'stream' && { body: inParts(bytes, goOn) }),
      ...(timeouts !== undefined && { timeouts }),
    })
    this.response = response
    await readAfter
    const parts: Uint8Array[] = []
    for await (const part of response.body) {
      parts.push(part)
      this.#first.open()
    }
    const got = Buffer.concat(parts)
    const wanted = url.includes('/half/') ? patternBytes(size) : Buffer.from(summaryOf(id, bytes.length, hashOf(bytes)))
    if (response.status !== 200) throw new Error(`status ${response.status}`)
    if (!got.equals(wanted)) throw new Error(`wrong response: ${got.length} bytes, not ${wanted.length}`)
  }
}

async function* inParts(bytes: Uint8Array, goOn: Promise<void> | undefined): AsyncGenerator<Uint8Array> {
  const step = Math.ceil(bytes.length / PARTS)
  for (let at = 0; at < bytes.length; at += step) {
    if (at === step) await goOn
    yield bytes.subarray(at, at + step)
  }
}
