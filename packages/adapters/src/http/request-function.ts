/** `request` and `get`, as those of `node:http` and `node:https`. */

import type { ClientRequest as NodeRequest } from 'node:http'
import type { Client } from '@unshard/core'
import { clientOfProcess } from '../fetch/default.js'
import { checkClient } from '../observation/check-client.js'
import { ClientRequest } from './request.js'
import { type HttpOptions, type ResponseCallback, targetOf } from './target.js'

/** `http.request()` and `https.request()` as one function: the protocol of the URL decides, and without one `https:`. */
export interface RequestFunction {
  (url: string | URL | HttpOptions, callback?: ResponseCallback): NodeRequest
  (url: string | URL, options: HttpOptions, callback?: ResponseCallback): NodeRequest
}

/** The functions that libraries take in place of the modules `node:http` and `node:https`. */
export interface HttpModule {
  readonly request: RequestFunction
  /** Like `request`, for a request without content: it is ended. */
  readonly get: RequestFunction
}

/**
 * Returns functions with the interface of `http.request()` and `http.get()` over a client's connections: requests and responses have the
 * methods and events of Node's. `res.httpVersion` is `2.0` over HTTP/2.
 *
 * Options that decide how a connection is made belong to the client, and are refused: `ca`, `lookup`, `agent` and others. Agents of
 * `node:http` and `node:https` are accepted, as their limits are those of a pool. `timeout` emits `timeout` after that time without
 * progress, as in Node. Redirects are responses.
 * @throws UsageError `ERR_INVALID_OPTION` if `client` is not a client.
 */
export function createHttp(client: Client): HttpModule {
  checkClient(client)
  return moduleOver(() => client)
}

/** Returns only the `request` of {@link createHttp}. @throws UsageError `ERR_INVALID_OPTION` if `client` is not a client. */
export function createRequest(client: Client): RequestFunction {
  checkClient(client)
  return moduleOver(() => client).request
}

function moduleOver(clientOf: () => Client): HttpModule {
  const request = (
    input: string | URL | HttpOptions,
    options?: HttpOptions | ResponseCallback,
    callback?: ResponseCallback,
  ): NodeRequest => {
    const listener = typeof options === 'function' ? options : callback
    return new ClientRequest(clientOf(), targetOf(input, options, 'https:'), listener) as unknown as NodeRequest
  }
  const get: typeof request = (...given) => request(...given).end()
  return { request, get }
}

const byDefault = moduleOver(clientOfProcess)

/**
 * `http.request()` and `https.request()` over the connections that `fetch` uses: see {@link createHttp}.
 * @throws UsageError `ERR_INVALID_OPTION`, `ERR_INVALID_URL`.
 */
export const request: RequestFunction = byDefault.request

/**
 * `http.get()` and `https.get()` over the connections that `fetch` uses: see {@link createHttp}.
 * @throws UsageError `ERR_INVALID_OPTION`, `ERR_INVALID_URL`.
 */
export const get: RequestFunction = byDefault.get
