/**
 * All error codes of this project: class, cause, advice, and whether the request may be sent again.
 * docs/reference/errors.md is generated from this table. System codes (`ECONNREFUSED`) are not in
 * it.
 */

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
const ROWS = {
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

  ERR_BLOCKED_PORT: [
    'UsageError',
    'no',
    "The port is on the Fetch standard's block list.",
    'Use `client.request()` for this port.',
    '`ResponseError` after a redirect',
  ],
  ERR_BODY_CANCELLED: ['UsageError', 'no', 'The reader cancelled the body before its end.', 'Read the body to the end.'],
  ERR_BODY_USED: ['UsageError', 'no', 'The body was read before.', 'Keep the first result.'],
  ERR_CLIENT_CLOSED: [
    'UsageError',
    'no',
    '`client.close()` was called.',
    'Create a new client.',
    '`ConnectionError` for requests in flight',
  ],
  ERR_CLIENT_DESTROYED: [
    'UsageError',
    'no',
    '`client.destroy()` was called.',
    'Create a new client.',
    '`ConnectionError` for requests in flight',
  ],
  ERR_CONTENT_LENGTH: ['UsageError', 'no', '`content-length` does not match the content.', 'Leave the field to the client.'],
  ERR_COOKIE_JAR: ['UsageError', 'no', 'The cookie jar failed; `cause` is its error.', 'Fix the jar.'],
  ERR_DATA_URL: ['UsageError', 'no', 'A `data:` URL has no comma, or its base64 is invalid.', 'Fix the URL.'],
  ERR_EXTENDED_CONNECT_UNSUPPORTED: [
    'UsageError',
    'no',
    'The server offers no extended CONNECT.',
    'Use `createAgent()` for a WebSocket.',
  ],
  ERR_FORBIDDEN_FIELD: ['UsageError', 'no', 'A field concerns the connection, not the request.', 'Remove the field.'],
  ERR_HANDLE_CLOSED: [
    'UsageError',
    'no',
    'The connection handle was closed.',
    'Call `client.connect()` again.',
    '`ConnectionError` for requests in flight',
  ],
  ERR_HAR_FILE: [
    'UsageError',
    'no',
    'The file of `mockClient.fromHar()` cannot be read, or is not a HAR file; `cause` is the error.',
    'Check the path; record the file again.',
  ],
  ERR_HAR_NO_ENTRY: [
    'UsageError',
    'no',
    'A request to the client of `mockClient.fromHar()` has no recorded response left.',
    "Fix the request, record the file again, or set `match: 'loose'`.",
  ],
  ERR_GRPC_STATUS: [
    'GrpcError',
    'processed',
    'A call of `unshard/grpc` ended with a status other than `OK`, of the server or of this client.',
    'Look at `status`, `details` and `trailers`.',
  ],
  ERR_HAR_WRITE: [
    'UsageError',
    'no',
    'The recording of `recordHar()` cannot be written; `cause` is the error of the file or stream.',
    'Check the path and the space on the disk. Requests are not affected.',
  ],
  ERR_HTTP2_REQUIRED: ['UsageError', 'no', 'A gRPC call, or a request that sends events, got HTTP/1.1.', 'Enable HTTP/2.'],
  ERR_INTERCEPTOR: [
    'UsageError',
    'no',
    'An interceptor returned no response, or passed an invalid request to `next`.',
    'Return `next(request)`, `next(request.with(…))` or `HttpResponse.from(…)`.',
  ],
  ERR_INVALID_BODY: [
    'UsageError',
    'no',
    "The body has an unsupported type, is already used, or lacks `duplex: 'half'`.",
    'Pass a new body.',
  ],
  ERR_INVALID_FIELD_NAME: ['UsageError', 'no', 'A field name is not a token (RFC 9110 §5.1).', 'Fix the name.'],
  ERR_INVALID_FIELD_VALUE: ['UsageError', 'no', 'A field value has invalid characters (RFC 9110 §5.5).', 'Fix the value.'],
  ERR_INVALID_HEADERS: ['UsageError', 'no', '`headers` is neither a record nor pairs.', 'Pass a record, pairs or `Headers`.'],
  ERR_INVALID_METHOD: ['UsageError', 'no', 'The method is not a token, or is not allowed.', 'Fix the method.'],
  ERR_INVALID_OPTION: [
    'UsageError',
    'no',
    'The value of an option is invalid.',
    'Read the message: it says what the option takes.',
  ],
  ERR_INVALID_PRIORITY: ['UsageError', 'no', 'The priority is invalid, or given twice.', 'Give one priority.'],
  ERR_INVALID_RANGE: ['UsageError', 'no', 'The range of a `blob:` URL does not exist.', 'Fix the field `range`.'],
  ERR_INVALID_SOCKET: ['UsageError', 'no', 'The value is not a socket.', 'Pass a `Duplex`.'],
  ERR_INVALID_TRAILERS: ['UsageError', 'no', 'There are trailers without a body.', 'Pass a body, or no trailers.'],
  ERR_INVALID_URL: ['UsageError', 'no', 'The URL is invalid, or leaves its base.', 'Fix the URL.'],
  ERR_NOT_CONNECTED: [
    'UsageError',
    'no',
    '`client.ping()` was called without an open HTTP/2 connection.',
    'Call `client.warm()` first.',
  ],
  ERR_NO_OBJECT: ['UsageError', 'no', 'A `blob:` URL has no object.', 'Create the URL in this process, and do not revoke it.'],
  ERR_OTHER_DISPATCHER: [
    'UsageError',
    'no',
    'A dispatcher of undici would be bypassed.',
    'Pass the dispatcher of `unshard/undici`.',
  ],
  ERR_OTHER_ORIGIN: ['UsageError', 'no', 'A request on a connection handle is to another origin.', 'Use the client.'],
  ERR_PING_UNSUPPORTED: ['UsageError', 'no', 'The connection is HTTP/1.1, which has no PING.', 'Do not ping it.'],
  ERR_PROXY_BYPASS: [
    'UsageError',
    'no',
    'The URL is that of a Unix socket, and a proxy is set.',
    'Use a client without a proxy.',
  ],
  ERR_PROXY_FUNCTION: ['UsageError', 'no', 'The function `proxy` threw, or returned an invalid value.', 'Fix the function.'],
  ERR_REQUEST_FIELDS_TOO_LARGE: [
    'UsageError',
    'no',
    "The request's fields exceed the server's size limit.",
    'Send fewer or shorter fields.',
  ],
  ERR_SINK_CLOSED: ['UsageError', 'no', 'The sink of a pipeline was closed before.', 'Pass an open sink.'],
  ERR_SOCKETS_FUNCTION: ['UsageError', 'no', 'The function `sockets` threw.', 'Fix the function.'],
  ERR_STRATEGY: ['UsageError', 'no', 'The function `strategy` threw, or returned none of the candidates.', 'Fix the function.'],
  ERR_TRAILERS_UNSUPPORTED: [
    'UsageError',
    'no',
    'The client sends no trailers over HTTP/1.1.',
    'Send no trailers, or require `h2`.',
  ],
  ERR_UNKNOWN_OPTION: ['UsageError', 'no', 'The option is unknown; the message suggests the closest one.', 'Fix the name.'],
  ERR_UNSUPPORTED_SCHEME: ['UsageError', 'no', 'The scheme of the URL is unsupported.', 'Use `http:` or `https:`.'],
  ERR_URL_CREDENTIALS: [
    'UsageError',
    'no',
    'The URL has `user:password@`.',
    'Send the field `authorization`.',
    '`ResponseError` after a redirect',
  ],
} as const

/** A code of this project. */
export type UnshardCode = keyof typeof ROWS

type Row = readonly [ErrorClass, RetryAdvice, when: string, action: string, also?: string]

/** Each code with its class, when it happens, what to do, and whether the request may be sent again. */
export const ERROR_CODES: Readonly<Record<UnshardCode, ErrorCodeInfo>> = Object.fromEntries(
  Object.entries<Row>(ROWS).map(([code, [name, retry, when, action, also]]) => [
    code,
    { class: name, retry, when, action, ...(also !== undefined && { also }) },
  ]),
) as Record<UnshardCode, ErrorCodeInfo>
