/**
 * All error codes of this project: class, cause, advice, and whether the request may be sent again.
 * docs/reference/errors.md is generated from this table. System codes (`ECONNREFUSED`) are not in
 * it.
 */

import { USAGE_ROWS } from './usage-codes.js'

/** A class of error. */
type ErrorClass =
  | 'UsageError'
  | 'ConnectError'
  | 'TimeoutError'
  | 'ConnectionError'
  | 'StreamError'
  | 'ResponseError'
  | 'GrpcError'

/**
 * Whether the same request may be sent again. `no`: it fails again. `yes`: the server did not act. `processed`: if `processed` is `no`, or
 * the request is idempotent (RFC 9110 §9.2.2).
 */
export type RetryAdvice = 'no' | 'yes' | 'processed'

/** One row of the table. */
export interface ErrorCodeInfo {
  /** Class that carries the code. */
  readonly class: ErrorClass
  /** Other class that carries it, and when. */
  readonly also?: string
  readonly when: string
  /** Advice for the caller. */
  readonly action: string
  readonly retry: RetryAdvice
}

/** Class, retry, when, action, other class. */
const FAILURE_ROWS = {
  ERR_CONNECT_RESOLVE: [
    'ConnectError',
    'yes',
    'The name could not be resolved, and the resolver returned no code.',
    'Check the host and the resolver.',
  ],
  ERR_CONNECT_TCP: [
    'ConnectError',
    'yes',
    'No address accepted a connection, and there was no system error.',
    'Check that the server is reachable.',
  ],
  ERR_CONNECT_TLS: [
    'ConnectError',
    'yes',
    'The TLS handshake failed without a system error.',
    'Read `cause`; check the server and the option `tls`.',
  ],
  ERR_CONNECT_PROXY: [
    'ConnectError',
    'yes',
    'The proxy opened no tunnel.',
    'Read `status` and `cause`; check the option `proxy`.',
  ],
  ERR_CONNECT_NEGOTIATE: [
    'ConnectError',
    'no',
    'Client and server share no protocol, or the server closed the connection right after the handshake.',
    'Allow the protocol of the server in the option `protocols`, or try again if it closed the connection.',
  ],
  ERR_ADDRESS_FORBIDDEN: [
    'ConnectError',
    'no',
    'The option `addressPolicy` forbids the address, or the address cannot be judged.',
    'Do not send the request, or allow the address.',
  ],
  ERR_INADEQUATE_SECURITY: [
    'ConnectError',
    'no',
    'TLS is weaker than HTTP/2 allows (RFC 9113 §9.2).',
    'Update the server, or allow `http/1.1`.',
  ],
  ERR_PROXY_AUTHENTICATION: [
    'ConnectError',
    'no',
    'A proxy answered 407; in `fetch` also a response with status 407.',
    'Set the credentials of the proxy.',
    '`ResponseError` in `fetch`',
  ],
  ERR_SOCKET_UNUSABLE: [
    'ConnectError',
    'no',
    'A socket of the option `sockets` is not connected, has ended, or is already used.',
    'Pass a new socket.',
  ],
  ERR_TLS_PIN: ['ConnectError', 'no', "The server's key is not pinned.", 'Update the pins, or check which server answered.'],

  ERR_TIMEOUT_QUEUE: [
    'TimeoutError',
    'yes',
    'No open connection had capacity in time.',
    'Send fewer requests at once, or allow more connections.',
  ],
  ERR_TIMEOUT_CONNECT: [
    'TimeoutError',
    'yes',
    'No connection was established in time.',
    'Send again, or raise `timeouts.connect`.',
  ],
  ERR_TIMEOUT_HEADERS: [
    'TimeoutError',
    'processed',
    'No response arrived in time.',
    'Raise `timeouts.headers` if the server needs longer.',
  ],
  ERR_TIMEOUT_BODY: [
    'TimeoutError',
    'processed',
    'No content moved in time.',
    'Raise `timeouts.body` if the server pauses for longer.',
  ],
  ERR_TIMEOUT_TOTAL: ['TimeoutError', 'processed', 'The whole request took too long.', 'Raise `timeouts.total`.'],
  ERR_TIMEOUT_PING: ['TimeoutError', 'yes', '`client.ping()` got no response.', 'Treat the connection as unreliable.'],

  ERR_CONNECTION_LOST: [
    'ConnectionError',
    'processed',
    'The connection was closed without a system error.',
    'Look at `initiator` and `processed`.',
  ],
  ERR_PIPELINE_LOST: [
    'ConnectionError',
    'processed',
    'The connection was lost while the request waited behind another (RFC 9112 §9.3.2).',
    'Send again if idempotent.',
  ],
  ERR_PROTOCOL: [
    'ConnectionError',
    'processed',
    'The peer violated HTTP/2; `errorCode` says how.',
    'Report it to the operator of the server.',
  ],
  ERR_UNREAD_RESPONSES: [
    'ConnectionError',
    'yes',
    'Unread responses hold 256 connections of the origin.',
    'Read or discard the body of each response.',
  ],

  ERR_CIRCUIT_OPEN: [
    'ConnectionError',
    'yes',
    'The interceptor `circuitBreaker()` sends no requests to an origin that failed; `cause` is the error of the policy.',
    'Send again later.',
  ],

  ERR_STREAM_RESET: ['StreamError', 'processed', 'The peer reset the stream.', 'Look at `errorCode` and `processed`.'],
  ERR_STREAM_REFUSED: ['StreamError', 'yes', 'The peer refused the stream and did not process it.', 'Send again later.'],
  ERR_HTTP_1_1_REQUIRED: [
    'StreamError',
    'no',
    'The peer requires HTTP/1.1 for this request.',
    'Allow `http/1.1` in the option `protocols`.',
  ],
  ERR_REQUEST_BODY: [
    'StreamError',
    'processed',
    "The source of the request's content failed; `cause` is its error.",
    'Fix the source.',
  ],
  ERR_MOCK_HANDLER: ['StreamError', 'no', 'The handler of a mock client threw.', 'Fix the handler.'],

  ERR_MALFORMED_RESPONSE: ['ResponseError', 'no', 'The response violates HTTP.', 'Report it to the operator of the server.'],
  ERR_RESPONSE_TOO_LARGE: [
    'ResponseError',
    'no',
    'Fields, or content held whole, are over a limit.',
    'Raise the limit, or stream the body.',
  ],
  ERR_DECODE: ['ResponseError', 'no', 'The content does not match its `content-encoding`.', 'Send `accept-encoding: identity`.'],
  ERR_DECODED_TOO_LARGE: ['ResponseError', 'no', 'The decoded content is over `maxDecodedBytes`.', 'Raise `maxDecodedBytes`.'],
  ERR_TOO_MANY_CODINGS: [
    'ResponseError',
    'no',
    'The response has more than 5 content codings.',
    'Report it to the operator of the server.',
  ],
  ERR_INVALID_JSON: [
    'ResponseError',
    'no',
    '`json()` was called on content that is not JSON.',
    'Check the status and `content-type` first.',
  ],
  ERR_CONTENT_RANGE: [
    'ResponseError',
    'processed',
    'The server sent a range that was not requested.',
    'Download the file from the start.',
  ],
  ERR_UNEXPECTED_STATUS: [
    'ResponseError',
    'no',
    '`receiveFile`: the response is neither the file nor a part of it.',
    'Look at the status.',
  ],
  ERR_STATUS: [
    'ResponseError',
    'no',
    'The interceptor `throwOnStatus()` received a status that is an error.',
    'Read `status`, and the body of `response`.',
  ],
  ERR_SCHEMA: [
    'ResponseError',
    'no',
    '`readJson()` or the interceptor `json()` read JSON that does not match its schema.',
    'Read `issues`.',
  ],
  ERR_EVENT_STREAM: [
    'ResponseError',
    'no',
    'The response is not an event stream.',
    'Check the URL, the status and `content-type`.',
  ],
  ERR_BODY_TOO_LARGE: [
    'ResponseError',
    'no',
    'A body that is read as a whole is over the limit.',
    'Raise `maxBodyBytes`, or read it in parts.',
  ],
  ERR_EVENT_TOO_LARGE: ['ResponseError', 'no', 'An event is over the limit.', 'Raise `maxEventLength`.'],
  ERR_MULTIPART: ['ResponseError', 'no', 'The response is not multipart, or is cut off.', 'Check `content-type`.'],
  ERR_INTEGRITY: [
    'ResponseError',
    'no',
    'The content does not match `integrity`.',
    'Do not use the content; find out what changed it.',
  ],
  ERR_REDIRECT_REFUSED: ['ResponseError', 'no', "The server redirected, and `redirect` is `'error'`.", 'Use the final URL.'],
  ERR_TOO_MANY_REDIRECTS: [
    'ResponseError',
    'no',
    'There were more than 20 redirects.',
    'Check for a redirect loop, such as a missing cookie.',
  ],
  ERR_REDIRECT_TARGET: ['ResponseError', 'no', '`location` is not a URL that may be followed.', 'Check `location`.'],
  ERR_REDIRECT_BODY: [
    'ResponseError',
    'no',
    'A redirect requires streamed content again.',
    'Send the body from memory, or use the final URL.',
  ],
  ERR_WEBSOCKET_REFUSED: [
    'ResponseError',
    'no',
    'The response to the handshake of a WebSocket has another status, or an invalid field.',
    'Read the message: it names the status or the field.',
  ],
  ERR_WEBSOCKET_FRAME: [
    'ResponseError',
    'no',
    'The server sent an invalid frame or message.',
    'Report it to the operator of the server.',
  ],
  ERR_WEBSOCKET_TOO_LARGE: ['ResponseError', 'no', 'A message is over `maxMessageBytes`.', 'Raise `maxMessageBytes`.'],
  ERR_WEBSOCKET_CUT_OFF: [
    'ResponseError',
    'no',
    'The server ended a WebSocket without a Close frame, or did not answer one.',
    'Open a new one.',
  ],

  ERR_GRPC_STATUS: [
    'GrpcError',
    'processed',
    'A call of `unshard/grpc` ended with a status other than `OK`, of the server or of this client.',
    'Look at `status`, `details` and `trailers`.',
  ],
} as const

/** A code of this project. */
export type UnshardCode = keyof typeof FAILURE_ROWS | keyof typeof USAGE_ROWS

type Row = readonly [ErrorClass, RetryAdvice, when: string, action: string, also?: string]

/** Each code with its class, when it happens, what to do, and whether the request may be sent again. */
export const ERROR_CODES: Readonly<Record<UnshardCode, ErrorCodeInfo>> = Object.fromEntries(
  Object.entries<Row>({ ...FAILURE_ROWS, ...USAGE_ROWS }).map(([code, [name, retry, when, action, also]]) => [
    code,
    { class: name, retry, when, action, ...(also !== undefined && { also }) },
  ]),
) as Record<UnshardCode, ErrorCodeInfo>
