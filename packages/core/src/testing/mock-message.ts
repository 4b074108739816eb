/** Requests that a mock handler receives, and responses that it returns. */

import { Fields, type FieldsInit } from '../message/fields.js'
import type { HttpRequest } from '../message/request.js'
import type { RequestBody } from '../message/request-content.js'
import type { MockUpload } from './mock-upload.js'

/** The response of a {@link MockHandler}. */
export interface MockResponse {
  /** Status, 200 to 999. Default 200. */
  readonly status?: number
  /** Fields. Default none; a body adds `content-type` and `content-length` if they are known. */
  readonly headers?: FieldsInit
  /** Content. Streams and iterables are sent at the reader's pace. Default none. */
  readonly body?: RequestBody
  /** Alternative to `body`: a JSON value, sent as `application/json`. */
  readonly json?: unknown
  /** Trailers. Default none. */
  readonly trailers?: FieldsInit
}

/**
 * Answers requests. If it throws, the request fails with that error, e.g. a `ConnectionError` made
 * by the test.
 */
export type MockHandler = (request: MockRequest) => MockResponse | undefined | Promise<MockResponse | undefined>

/** A request received by a mock connection. */
export class MockRequest {
  readonly method: string
  /** Absolute URL as the server sees it: with the sent authority, not the dialed host. */
  readonly url: string
  readonly headers: Fields
  /** Id of the connection, equal to `response.connection.id`. */
  readonly connectionId: number
  /** Aborted when the client ends the request. */
  readonly signal: AbortSignal
  readonly #request: HttpRequest
  readonly #inform: (status: number, headers: FieldsInit) => void
  readonly #upload: MockUpload

  /** Called by {@link MockConnection}. */
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

  /**
   * Iterates over the content as the client sends it. Throws if the client ends the request or the
   * response is complete.
   */
  body(): AsyncGenerator<Uint8Array, void> {
    return this.#upload.parts()
  }

  /** Reads the whole content. */
  async bytes(): Promise<Uint8Array> {
    const parts: Uint8Array[] = []
    for await (const part of this.body()) parts.push(part)
    return new Uint8Array(Buffer.concat(parts))
  }

  /** Reads the whole content as UTF-8. */
  async text(): Promise<string> {
    return Buffer.from(await this.bytes()).toString('utf8')
  }

  /** Reads the whole content as JSON. */
  async json(): Promise<unknown> {
    return JSON.parse(await this.text())
  }

  /** Returns the trailers. Call after the content has been read. */
  trailers(): Fields {
    const init = this.#request.trailers?.()
    const pairs = init === undefined ? [] : Symbol.iterator in init ? [...init] : Object.entries(init)
    return new Fields(pairs.flatMap(([name, value]) => [name.toLowerCase(), String(value)]))
  }
}
