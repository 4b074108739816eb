/** What a mock server is asked, and what it may answer: requests and responses as a test reads and writes them. */

import { Fields, type FieldsInit } from '../message/fields.js'
import type { HttpRequest } from '../message/request.js'
import type { RequestBody } from '../message/request-content.js'
import type { MockUpload } from './mock-upload.js'

/** What a {@link MockHandler} answers with. */
export interface MockResponse {
  /** 200 to 999. Default 200. */
  readonly status?: number
  /** Default none; a body implies `content-type` and `content-length` where it knows them. */
  readonly headers?: FieldsInit
  /** The content. Streams and iterables are sent at the reader's pace. Default none. */
  readonly body?: RequestBody
  /** In place of `body`: anything that JSON can say, sent as `application/json`. */
  readonly json?: unknown
  /** Fields after the content. Default none. */
  readonly trailers?: FieldsInit
}

/** Answers requests. What it throws is what the request fails with: a `ConnectionError` of the test's making, for instance. */
export type MockHandler = (request: MockRequest) => MockResponse | undefined | Promise<MockResponse | undefined>

/** A request that has reached a mock connection. */
export class MockRequest {
  readonly method: string
  /** Whole, as the server sees it: with its authority in place of the host that was dialed. */
  readonly url: string
  readonly headers: Fields
  /** The number of the connection it came over, as `response.connection.id` says it. */
  readonly connectionId: number
  /** Aborted when the client gives the request up. */
  readonly signal: AbortSignal
  readonly #request: HttpRequest
  readonly #inform: (status: number, headers: FieldsInit) => void
  readonly #upload: MockUpload

  /** Made by {@link MockConnection}. */
  constructor(
    request: HttpRequest,
    connectionId: number,
    signal: AbortSignal,
    inform: (status: number, headers: FieldsInit) => void,
    upload: MockUpload,
  ) {
    const { method, scheme, authority, path, fields } = request
    this.method = method
    this.url = `${scheme}://${authority}${path}`
    this.headers = new Fields(fields)
    this.connectionId = connectionId
    this.signal = signal
    this.#request = request
    this.#inform = inform
    this.#upload = upload
  }

  /** Sends an interim response, 1xx, such as 103 with `link` (RFC 8297). */
  inform(status: number, headers: FieldsInit = {}): void {
    this.#inform(status, headers)
  }

  /** The content, as the client sends it. A client that gives up ends it with its error; so does a complete answer. */
  body(): AsyncGenerator<Uint8Array, void> {
    return this.#upload.parts()
  }

  /** All of the content. */
  async bytes(): Promise<Uint8Array> {
    const parts: Uint8Array[] = []
    for await (const part of this.body()) parts.push(part)
    return new Uint8Array(Buffer.concat(parts))
  }

  /** All of the content as UTF-8. */
  async text(): Promise<string> {
    return Buffer.from(await this.bytes()).toString('utf8')
  }

  /** All of the content as JSON. */
  async json(): Promise<unknown> {
    return JSON.parse(await this.text())
  }

  /** The trailers; asked for when the content has been read. */
  trailers(): Fields {
    const init = this.#request.trailers?.()
    const pairs = init === undefined ? [] : Symbol.iterator in init ? [...init] : Object.entries(init)
    return new Fields(pairs.flatMap(([name, value]) => [name.toLowerCase(), String(value)]))
  }
}
