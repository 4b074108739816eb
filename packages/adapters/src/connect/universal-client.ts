/** The HTTP client of Connect-ES transports. Must know nothing of protocols and messages. */

import type { UniversalClientFn, UniversalClientRequest, UniversalClientResponse } from '@connectrpc/connect/protocol'
import type { Client, HttpResponse, RequestBody } from '@unshard/core'
import { checkClient } from '../observation/check-client.js'
import { appendFields } from './fields.js'
import { ResponseContent } from './response-content.js'
import { rpcError } from './rpc-errors.js'

/**
 * Returns the HTTP client that the transports of `@connectrpc/connect` take as `httpClient`: each call is a request of
 * `client`, with its connections, interceptors and deadlines. Redirects are not followed. The response is there while
 * content is still being sent, over HTTP/2 and HTTP/1.1. Calls reject with the `ConnectError` of Connect-ES, whose
 * `cause` is the error of the client.
 * @throws UsageError `ERR_INVALID_OPTION` if `client` is not a client.
 */
export function universalClient(client: Client): UniversalClientFn {
  return streamingClient(client, false)
}

/**
 * Returns an HTTP client for streams of messages.
 * @param http2Only whether requests fail rather than being sent over HTTP/1.1.
 */
export function streamingClient(client: Client, http2Only: boolean): UniversalClientFn {
  checkClient(client)
  return (request) => send(client, request, request.body, http2Only)
}

/**
 * Returns an HTTP client for calls with one message: their content is sent from memory, with `content-length`, and may
 * be sent again after a lost connection.
 */
export function unaryClient(client: Client, http2Only: boolean): UniversalClientFn {
  return async (request) => send(client, request, request.body === undefined ? undefined : await whole(request.body), http2Only)
}

/** Sends a request with this content, and returns its response. */
export function send(
  client: Client,
  { url, method, header, signal }: Omit<UniversalClientRequest, 'body'>,
  body: RequestBody | undefined,
  http2Only: boolean,
): Promise<UniversalClientResponse> {
  return client.request({ url, method, headers: header, body, signal, redirect: 'manual', http2Only }).then(
    (response) => received(response, signal),
    (error: unknown) => {
      throw rpcError(error, signal)
    },
  )
}

function received(response: HttpResponse, signal: AbortSignal | undefined): UniversalClientResponse {
  const body = new ResponseContent(response, signal)
  const header = new Headers()
  appendFields(header, response.headers)
  return { status: response.status, header, body, trailer: body.trailer }
}

async function whole(content: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  let first: Uint8Array | undefined
  let parts: Uint8Array[] | undefined
  for await (const part of content) {
    if (first === undefined) first = part
    else if (parts === undefined) parts = [first, part]
    else parts.push(part)
  }
  return parts === undefined ? (first ?? new Uint8Array(0)) : Buffer.concat(parts)
}
