/**
 * Responses that two implementations may frame differently (RFC 9112 §6, §7, §9.2), each with its
 * correct reading.
 */

const OK = 'HTTP/1.1 200 OK\r\n'
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`
/** A response that must not reach another request. */
const EVIL = 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil'

export interface Form {
  /** Bytes that the server writes, in one piece or in several. */
  readonly answer: string | readonly string[]
  /** The server closes after the last piece. */
  readonly close?: boolean
  readonly method?: string
  /** Correct content; absent if the form is an error. */
  readonly content?: string
  readonly status?: number
  readonly fields?: Record<string, string>
  readonly trailers?: readonly string[]
  readonly reason?: string
  /** The error, if it is not a malformed response. */
  readonly error?: object
  /** The connection serves the next request too. */
  readonly reused?: boolean
}

export const malformedError = { name: 'ResponseError', code: 'ERR_MALFORMED_RESPONSE', processed: 'yes' }
const tooLargeError = { name: 'ResponseError', code: 'ERR_RESPONSE_TOO_LARGE', processed: 'yes' }
const lostError = { name: 'ConnectionError', code: 'ERR_CONNECTION_LOST', processed: 'yes' }
const okAndReused = { content: 'ok', reused: true }
const length = (value: string): string => `${OK}content-length: ${value}\r\n\r\nok`
const field = (line: string): string => `${OK}${line}\r\ncontent-length: 2\r\n\r\nok`

export const FORMS: Record<string, Form> = {
  // RFC 9112 §6.3: "...unless the field value can be successfully parsed as a comma-separated list,
  // all values in the list are valid, and all values in the list are the same (in which case, the
  // message is processed with that single value...)".
  'content-length twice, the same': { answer: `${OK}content-length: 2\r\ncontent-length: 2\r\n\r\nok`, ...okAndReused },
  'content-length three times, in different letter case': {
    answer: `${OK}Content-Length: 2\r\na: b\r\ncontent-length: 2\r\nCONTENT-LENGTH: 2\r\n\r\nok`,
    ...okAndReused,
    fields: { 'content-length': '2', a: 'b' },
  },
  'content-length as a list of equal values': { answer: length('2, 2'), ...okAndReused, fields: { 'content-length': '2' } },
  'content-length as a list without spaces': { answer: length('2,2'), ...okAndReused },
  'content-length twice, the same, byte by byte': {
    answer: [...`${OK}content-length: 2\r\ncontent-length: 2\r\n\r\nok`],
    ...okAndReused,
  },
  'content-length twice, different': { answer: `${OK}content-length: 2\r\ncontent-length: 3\r\n\r\nokk` },
  'content-length as a list of different values': { answer: length('2, 3') },
  'content-length as a list with an empty member': { answer: length('2,') },
  'content-length with a sign': { answer: length('+2') },
  'negative content-length': { answer: length('-1') },
  'content-length followed by a space': { answer: length('2 '), ...okAndReused, fields: { 'content-length': '2' } },
  'content-length between tabs': { answer: length('\t2\t'), ...okAndReused },
  'content-length with leading zeros': { answer: length('0002'), ...okAndReused },
  'empty content-length': { answer: length('') },
  'content-length of spaces': { answer: length('   ') },
  'content-length in hexadecimal': { answer: length('0x2') },
  'content-length with a fraction': { answer: length('2.0') },
  'content-length with an exponent': { answer: length('2e0') },
  'content-length with a space inside': { answer: length('2 2') },
  'content-length over 64 bits': { answer: length('99999999999999999999999') },
  'content-length over 53 bits': { answer: length('9007199254740993') },
  'content-length in quotes': { answer: length('"2"') },
  'content-length and transfer-encoding': {
    answer: `${OK}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${EVIL}`,
  },
  'transfer-encoding and content-length': {
    answer: `${OK}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n${EVIL}`,
  },
  'transfer-encoding and equal content-lengths': {
    answer: `${OK}content-length: 5\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
  },
  // RFC 9112 §5.2: "MUST replace each received obs-fold with one or more SP octets".
  'a folded value': { answer: field('a: b\r\n c'), ...okAndReused, fields: { a: 'b   c' } },
  'a value folded with a tab': { answer: field('a: b\r\n\tc'), ...okAndReused, fields: { a: 'b  \tc' } },
  'a value folded twice': { answer: field('a: b\r\n c\r\n d'), ...okAndReused, fields: { a: 'b   c   d' } },
  'an empty value before a fold': { answer: field('a:\r\n b'), ...okAndReused, fields: { a: 'b' } },
  'a folded value, byte by byte': { answer: [...field('a: b\r\n c')], ...okAndReused, fields: { a: 'b   c' } },
  'a folded value, cut after the line end': {
    answer: [`${OK}a: b\r\n`, ' c\r\ncontent-length: 2\r\n\r\nok'],
    ...okAndReused,
    fields: { a: 'b   c' },
  },
  'a folded content-length': { answer: `${OK}content-length:\r\n 2\r\n\r\nok`, ...okAndReused },
  'a fold that hides a second content-length': { answer: `${OK}content-length: 2\r\n 3\r\n\r\nok` },
  'a folded transfer-encoding': { answer: `${OK}transfer-encoding:\r\n chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`, ...okAndReused },
  'a folded line after the status line': { answer: `${OK} a: b\r\ncontent-length: 2\r\n\r\nok` },
  'lines that end with a bare LF': { answer: 'HTTP/1.1 200 OK\na: b\ncontent-length: 2\n\nok' },
  'one field line that ends with a bare LF': { answer: `${OK}a: b\ncontent-length: 2\r\n\r\nok` },
  'a head that ends with a bare LF': { answer: `${OK}content-length: 2\r\n\nok` },
  'a fold and a line that ends with a bare LF': { answer: `${OK}a: b\r\n c\ncontent-length: 2\r\n\r\nok` },
  'a bare CR in a value': { answer: field('a: b\rc') },
  'a bare CR as a line end': { answer: `${OK}a: b\rcontent-length: 2\r\n\r\nok` },
  'NUL in a value': { answer: field('a: b\0c') },
  'NUL in a name': { answer: field('a\0: b') },
  'a space before the colon': { answer: field('a : b') },
  'content-length with a space before the colon': { answer: `${OK}content-length : 2\r\n\r\nok` },
  'transfer-encoding with a space before the colon': {
    answer: `${OK}transfer-encoding : chunked\r\ncontent-length: 2\r\n\r\nok`,
  },
  'an empty name': { answer: field(': b') },
  'a field without a colon': { answer: field('nothing') },
  'a name with bytes over 127': { answer: field('\xe4: b') },
  'a value with bytes over 127': { answer: field('a: \xe4'), ...okAndReused, fields: { a: '\xe4' } },
  'a name in upper case': { answer: field('A-B: c'), ...okAndReused, fields: { 'a-b': 'c' } },
  'a short chunk extension': { answer: `${CHUNKED}2;a=b;c\r\nok\r\n0\r\n\r\n`, ...okAndReused },
  'a quoted chunk extension': { answer: `${CHUNKED}2;a="b c"\r\nok\r\n0\r\n\r\n`, ...okAndReused },
  'a chunk extension of 1 MB': { answer: `${CHUNKED}2;${'x'.repeat(1_000_000)}\r\nok\r\n0\r\n\r\n`, error: tooLargeError },
  'a value of a chunk extension of 1 MB': {
    answer: `${CHUNKED}2;a=${'x'.repeat(1_000_000)}\r\nok\r\n0\r\n\r\n`,
    error: tooLargeError,
  },
  'a chunk extension of 1 MB at the last chunk': {
    answer: `${CHUNKED}2\r\nok\r\n0;${'x'.repeat(1_000_000)}\r\n\r\n`,
    error: tooLargeError,
  },
  'chunk extensions ten times as long as the content': {
    answer: `${CHUNKED}${'1;a=bcdef\r\nx\r\n'.repeat(20_000)}0\r\n\r\n`,
    content: 'x'.repeat(20_000),
    reused: true,
  },
  'a chunk extension with a bare LF': { answer: `${CHUNKED}2;a\nok\r\n0\r\n\r\n` },
  'a chunk extension with a bare CR': { answer: `${CHUNKED}2;a\rb\r\nok\r\n0\r\n\r\n` },
  'chunk size over 64 bits': { answer: `${CHUNKED}10000000000000002\r\nok\r\n0\r\n\r\n` },
  'chunk size with a sign': { answer: `${CHUNKED}+2\r\nok\r\n0\r\n\r\n` },
  'negative chunk size': { answer: `${CHUNKED}-2\r\nok\r\n0\r\n\r\n` },
  'chunk size with 0x': { answer: `${CHUNKED}0x2\r\nok\r\n0\r\n\r\n` },
  'chunk size with an underscore': { answer: `${CHUNKED}0_2\r\nok\r\n0\r\n\r\n` },
  'chunk size after a space': { answer: `${CHUNKED} 2\r\nok\r\n0\r\n\r\n` },
  'chunk size before a space': { answer: `${CHUNKED}2 \r\nok\r\n0\r\n\r\n` },
  'empty chunk size': { answer: `${CHUNKED}\r\nok\r\n0\r\n\r\n` },
  'chunk size with leading zeros': { answer: `${CHUNKED}0002\r\nok\r\n000\r\n\r\n`, ...okAndReused },
  'chunk size in upper case': { answer: `${CHUNKED}A\r\n0123456789\r\n0\r\n\r\n`, content: '0123456789', reused: true },
  'a chunk without a line end': { answer: `${CHUNKED}2\r\nok0\r\n\r\n` },
  'a chunk longer than its size': { answer: `${CHUNKED}2\r\nokk\r\n0\r\n\r\n` },
  'a chunk that ends with a bare LF': { answer: `${CHUNKED}2\r\nok\n0\r\n\r\n` },
  'chunk lines that end with a bare LF': { answer: `${CHUNKED}2\nok\n0\n\n` },
  'chunks byte by byte': { answer: [...`${CHUNKED}1\r\no\r\n1\r\nk\r\n0\r\n\r\n`], ...okAndReused },
  trailers: { answer: `${CHUNKED}2\r\nok\r\n0\r\na: b\r\nC: d \r\n\r\n`, ...okAndReused, trailers: ['a', 'b', 'c', 'd'] },
  'a content-length among the trailers': { answer: `${CHUNKED}2\r\nok\r\n0\r\ncontent-length: 9\r\n\r\n${EVIL}` },
  'a transfer-encoding among the trailers': {
    answer: `${CHUNKED}2\r\nok\r\n0\r\ntransfer-encoding: chunked\r\n\r\n`,
    ...okAndReused,
    trailers: ['transfer-encoding', 'chunked'],
  },
  'a folded trailer': { answer: `${CHUNKED}2\r\nok\r\n0\r\na: b\r\n c\r\n\r\n` },
  'trailers of 100 kB': { answer: `${CHUNKED}2\r\nok\r\n0\r\na: ${'x'.repeat(100_000)}\r\n\r\n`, error: tooLargeError },
  'more than 1,000 trailers': { answer: `${CHUNKED}2\r\nok\r\n0\r\n${'a: b\r\n'.repeat(1_001)}\r\n`, error: tooLargeError },
  'trailers that end with a bare LF': { answer: `${CHUNKED}2\r\nok\r\n0\r\na: b\n\r\n` },
  'HTTP/1.0': { answer: 'HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok', content: 'ok' },
  'HTTP/1.0 that ends with the connection': { answer: 'HTTP/1.0 200 OK\r\n\r\nok', close: true, content: 'ok' },
  'HTTP/1.0 with keep-alive': {
    answer: 'HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok',
    ...okAndReused,
  },
  // RFC 9112 §6.1: "...MUST treat the message as if the framing is faulty".
  'transfer-encoding in HTTP/1.0': { answer: 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n' },
  'HTTP/0.9': { answer: '<html>hello</html>' },
  'version 0.9': { answer: 'HTTP/0.9 200 OK\r\ncontent-length: 2\r\n\r\nok' },
  'version 2.0': { answer: 'HTTP/2.0 200 OK\r\ncontent-length: 2\r\n\r\nok' },
  'version 1.2': { answer: 'HTTP/1.2 200 OK\r\ncontent-length: 2\r\n\r\nok' },
  'a version of two digits': { answer: 'HTTP/1.10 200 OK\r\ncontent-length: 2\r\n\r\nok' },
  'a version without a minor part': { answer: 'HTTP/1 200 OK\r\ncontent-length: 2\r\n\r\nok' },
  'the protocol RTSP': { answer: 'RTSP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok' },
  'the protocol ICY': { answer: 'ICY 200 OK\r\ncontent-length: 2\r\n\r\nok' },
  'a version in lower case': { answer: 'http/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok' },
  'status 099': { answer: 'HTTP/1.1 099 OK\r\ncontent-length: 2\r\n\r\nok' },
  'status 000': { answer: 'HTTP/1.1 000 OK\r\ncontent-length: 2\r\n\r\nok' },
  'status 1000': { answer: 'HTTP/1.1 1000 OK\r\ncontent-length: 2\r\n\r\nok' },
  'status of two digits': { answer: 'HTTP/1.1 20 OK\r\ncontent-length: 2\r\n\r\nok' },
  'status with a sign': { answer: 'HTTP/1.1 +200 OK\r\ncontent-length: 2\r\n\r\nok' },
  'status 999': { answer: 'HTTP/1.1 999 Yes\r\ncontent-length: 2\r\n\r\nok', ...okAndReused, status: 999 },
  'no reason': { answer: 'HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\nok', ...okAndReused, reason: '' },
  'no reason and no space': { answer: 'HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nok', ...okAndReused, reason: '' },
  'a reason with bytes over 127': {
    answer: 'HTTP/1.1 200 \xd6K\r\ncontent-length: 2\r\n\r\nok',
    ...okAndReused,
    reason: '\xd6K',
  },
  'a reason of 100 kB': { answer: `HTTP/1.1 200 ${'x'.repeat(100_000)}\r\ncontent-length: 2\r\n\r\nok`, error: tooLargeError },
  'empty lines before the status line': { answer: `\r\n\r\n${length('2')}`, ...okAndReused },
  'endless empty lines': { answer: '\r\n'.repeat(20_000), error: tooLargeError },
  'endless spaces before a value': {
    answer: `${OK}a:${' '.repeat(200_000)}b\r\ncontent-length: 2\r\n\r\nok`,
    error: tooLargeError,
  },
  'transfer-encoding gzip, chunked': { answer: `${OK}transfer-encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n` },
  'transfer-encoding gzip, then chunked': {
    answer: `${OK}transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  },
  'transfer-encoding gzip': { answer: `${OK}transfer-encoding: gzip\r\n\r\nok`, close: true },
  // RFC 9112 §6.1: "A sender MUST NOT apply the chunked transfer coding more than once to a message
  // body."
  'transfer-encoding chunked, chunked': { answer: `${OK}transfer-encoding: chunked, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n` },
  'transfer-encoding chunked in two lines': {
    answer: `${OK}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  },
  'transfer-encoding Chunked': { answer: `${OK}Transfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`, ...okAndReused },
  // RFC 9112 §6.3: where chunked is not the last coding, content is "determined by reading the
  // connection until it is closed".
  'transfer-encoding identity': { answer: `${OK}transfer-encoding: identity\r\n\r\nok`, close: true, content: 'ok' },
  'transfer-encoding identity and content-length': { answer: `${OK}transfer-encoding: identity\r\ncontent-length: 2\r\n\r\nok` },
  'transfer-encoding with a vertical tab': { answer: `${OK}transfer-encoding: \x0bchunked\r\n\r\n2\r\nok\r\n0\r\n\r\n` },
  'content that ends with the connection': { answer: `${OK}\r\nok`, close: true, content: 'ok' },
  'content that ends with the connection and looks like a response': { answer: `${OK}\r\n${EVIL}`, close: true, content: EVIL },
  'connection: close': { answer: `${OK}connection: close\r\ncontent-length: 2\r\n\r\nok`, content: 'ok' },
  'connection: close before another response': {
    answer: `${OK}connection: close\r\ncontent-length: 2\r\n\r\nok${EVIL}`,
    content: 'ok',
  },
  'bytes after a response': { answer: `${length('2')}garbage`, content: 'ok' },
  'a response after a response': { answer: `${length('2')}${EVIL}`, content: 'ok' },
  'a response after chunks': { answer: `${CHUNKED}2\r\nok\r\n0\r\n\r\n${EVIL}`, content: 'ok' },
  'a response after a response without content': { answer: `HTTP/1.1 204 -\r\n\r\n${EVIL}`, content: '', status: 204 },
  'a line end after a response': { answer: `${length('2')}\r\n`, content: 'ok' },
  'content after a response to HEAD': { method: 'HEAD', answer: length('2'), content: '' },
  'a response after a response to HEAD': { method: 'HEAD', answer: `${OK}content-length: 47\r\n\r\n${EVIL}`, content: '' },
  'chunks after a response to HEAD': { method: 'HEAD', answer: `${CHUNKED}2\r\nok\r\n0\r\n\r\n`, content: '' },
  'no content-length in a response to HEAD': { method: 'HEAD', answer: `${OK}\r\n`, content: '' },
  'content after 204': { answer: 'HTTP/1.1 204 -\r\ncontent-length: 2\r\n\r\nok', content: '', status: 204 },
  'chunks after 204': { answer: 'HTTP/1.1 204 -\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n', content: '', status: 204 },
  'content after 304': { answer: 'HTTP/1.1 304 -\r\ncontent-length: 2\r\n\r\nok', content: '', status: 304 },
  '304 without content': { answer: 'HTTP/1.1 304 -\r\netag: "x"\r\n\r\n', content: '', status: 304, reused: true },
  'content after 100': { answer: `HTTP/1.1 100 -\r\ncontent-length: 2\r\n\r\nok${length('2')}` },
  'an interim response and a final one': { answer: `HTTP/1.1 103 -\r\na: b\r\n\r\n${length('2')}`, ...okAndReused },
  'a thousand interim responses': { answer: `${'HTTP/1.1 102 -\r\n\r\n'.repeat(1_000)}${length('2')}`, ...okAndReused },
  'endless interim responses': { answer: 'HTTP/1.1 102 -\r\n\r\n'.repeat(10_000), error: tooLargeError },
  'a folded interim response': { answer: `HTTP/1.1 103 -\r\na: b\r\n c\r\n\r\n${length('2')}`, ...okAndReused },
  'an unrequested 101': { answer: 'HTTP/1.1 101 -\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n' },
  '101 without fields': { answer: 'HTTP/1.1 101 -\r\n\r\n' },
  'no byte': { answer: '', close: true, error: { ...lostError, processed: 'unknown' } },
  'a truncated status line': { answer: 'HTTP/1.1 2', close: true, error: lostError },
  'a truncated head': { answer: `${OK}a: b\r\n`, close: true, error: lostError },
  'a truncated folded head': { answer: `${OK}a: b\r\n c\r\n`, close: true, error: lostError },
  'only an interim response': { answer: 'HTTP/1.1 100 -\r\n\r\n', close: true, error: { ...lostError, processed: 'unknown' } },
  'truncated content': { answer: length('3'), close: true, error: lostError },
  'truncated chunks': { answer: `${CHUNKED}2\r\nok\r\n`, close: true, error: lostError },
  'a truncated chunk': { answer: `${CHUNKED}5\r\nok`, close: true, error: lostError },
  'truncated trailers': { answer: `${CHUNKED}2\r\nok\r\n0\r\na: b\r\n`, close: true, error: lostError },
}
