/** Forms of a response that two implementations may frame in different ways (RFC 9112 §6, §7, §9.2), and what each of them is. */

const OK = 'HTTP/1.1 200 OK\r\n'
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`
/** What would be taken for another request's answer. */
const EVIL = 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil'

export interface Form {
  /** What the server writes, in one piece or in several. */
  readonly answer: string | readonly string[]
  /** The server closes behind it. */
  readonly close?: boolean
  readonly method?: string
  /** The content that is right; absent where the form is an error. */
  readonly content?: string
  readonly status?: number
  readonly fields?: Record<string, string>
  readonly trailers?: readonly string[]
  readonly reason?: string
  /** The error, where it is not a malformed response. */
  readonly error?: object
  /** The connection carries the next request too. */
  readonly reused?: boolean
}

export const bad = { name: 'ResponseError', code: 'ERR_MALFORMED_RESPONSE', processed: 'yes' }
const large = { name: 'ResponseError', code: 'ERR_RESPONSE_TOO_LARGE', processed: 'yes' }
const cut = { name: 'ConnectionError', code: 'ERR_CONNECTION_LOST', processed: 'yes' }
const fine = { content: 'ok', reused: true }
const length = (value: string): string => `${OK}content-length: ${value}\r\n\r\nok`
const field = (line: string): string => `${OK}${line}\r\ncontent-length: 2\r\n\r\nok`

export const FORMS: Record<string, Form> = {
  // RFC 9112 §6.3: "...unless the field value can be successfully parsed as a comma-separated list, all values in the list are valid, and all
  // values in the list are the same (in which case, the message is processed with that single value...)".
  'content-length twice, the same': { answer: `${OK}content-length: 2\r\ncontent-length: 2\r\n\r\nok`, ...fine },
  'content-length three times, in other letters': {
    answer: `${OK}Content-Length: 2\r\na: b\r\ncontent-length: 2\r\nCONTENT-LENGTH: 2\r\n\r\nok`,
    ...fine,
    fields: { 'content-length': '2', a: 'b' },
  },
  'content-length as a list of equals': { answer: length('2, 2'), ...fine, fields: { 'content-length': '2' } },
  'content-length as a list without blanks': { answer: length('2,2'), ...fine },
  'content-length twice, the same, byte by byte': {
    answer: [...`${OK}content-length: 2\r\ncontent-length: 2\r\n\r\nok`],
    ...fine,
  },
  'content-length twice, different': { answer: `${OK}content-length: 2\r\ncontent-length: 3\r\n\r\nokk` },
  'content-length as a list of different ones': { answer: length('2, 3') },
  'content-length as a list with an empty member': { answer: length('2,') },
  'content-length with a sign': { answer: length('+2') },
  'content-length below zero': { answer: length('-1') },
  'content-length with a blank behind': { answer: length('2 '), ...fine, fields: { 'content-length': '2' } },
  'content-length with tabs around': { answer: length('\t2\t'), ...fine },
  'content-length with leading zeros': { answer: length('0002'), ...fine },
  'content-length that is empty': { answer: length('') },
  'content-length of blanks': { answer: length('   ') },
  'content-length in hexadecimal': { answer: length('0x2') },
  'content-length with a fraction': { answer: length('2.0') },
  'content-length with an exponent': { answer: length('2e0') },
  'content-length with a blank inside': { answer: length('2 2') },
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
  // RFC 9112 §5.2: "...MUST replace each received obs-fold with one or more SP octets prior to interpreting the field value".
  'a folded value': { answer: field('a: b\r\n c'), ...fine, fields: { a: 'b   c' } },
  'a value folded with a tab': { answer: field('a: b\r\n\tc'), ...fine, fields: { a: 'b  \tc' } },
  'a value folded twice': { answer: field('a: b\r\n c\r\n d'), ...fine, fields: { a: 'b   c   d' } },
  'a value that is empty and folded': { answer: field('a:\r\n b'), ...fine, fields: { a: 'b' } },
  'a folded value, byte by byte': { answer: [...field('a: b\r\n c')], ...fine, fields: { a: 'b   c' } },
  'a folded value, cut behind the line end': {
    answer: [`${OK}a: b\r\n`, ' c\r\ncontent-length: 2\r\n\r\nok'],
    ...fine,
    fields: { a: 'b   c' },
  },
  'a folded content-length': { answer: `${OK}content-length:\r\n 2\r\n\r\nok`, ...fine },
  'a fold that hides a second content-length': { answer: `${OK}content-length: 2\r\n 3\r\n\r\nok` },
  'a folded transfer-encoding': { answer: `${OK}transfer-encoding:\r\n chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`, ...fine },
  'a fold behind the status line': { answer: `${OK} a: b\r\ncontent-length: 2\r\n\r\nok` },
  'lines that end with LF alone': { answer: 'HTTP/1.1 200 OK\na: b\ncontent-length: 2\n\nok' },
  'one field line that ends with LF alone': { answer: `${OK}a: b\ncontent-length: 2\r\n\r\nok` },
  'a head that ends with LF alone': { answer: `${OK}content-length: 2\r\n\nok` },
  'a fold and a line that ends with LF alone': { answer: `${OK}a: b\r\n c\ncontent-length: 2\r\n\r\nok` },
  'a bare CR in a value': { answer: field('a: b\rc') },
  'a bare CR as a line end': { answer: `${OK}a: b\rcontent-length: 2\r\n\r\nok` },
  'NUL in a value': { answer: field('a: b\0c') },
  'NUL in a name': { answer: field('a\0: b') },
  'a blank before the colon': { answer: field('a : b') },
  'content-length with a blank before the colon': { answer: `${OK}content-length : 2\r\n\r\nok` },
  'transfer-encoding with a blank before the colon': {
    answer: `${OK}transfer-encoding : chunked\r\ncontent-length: 2\r\n\r\nok`,
  },
  'a name that is empty': { answer: field(': b') },
  'a field without a colon': { answer: field('nothing') },
  'a name with bytes over 127': { answer: field('\xe4: b') },
  'a value with bytes over 127': { answer: field('a: \xe4'), ...fine, fields: { a: '\xe4' } },
  'a name of another letter case': { answer: field('A-B: c'), ...fine, fields: { 'a-b': 'c' } },
  'a short chunk extension': { answer: `${CHUNKED}2;a=b;c\r\nok\r\n0\r\n\r\n`, ...fine },
  'a quoted chunk extension': { answer: `${CHUNKED}2;a="b c"\r\nok\r\n0\r\n\r\n`, ...fine },
  'a chunk extension of 1 MB': { answer: `${CHUNKED}2;${'x'.repeat(1_000_000)}\r\nok\r\n0\r\n\r\n`, error: large },
  'a value of a chunk extension of 1 MB': { answer: `${CHUNKED}2;a=${'x'.repeat(1_000_000)}\r\nok\r\n0\r\n\r\n`, error: large },
  'a chunk extension of 1 MB at the last chunk': {
    answer: `${CHUNKED}2\r\nok\r\n0;${'x'.repeat(1_000_000)}\r\n\r\n`,
    error: large,
  },
  'chunk extensions that are ten times the content': {
    answer: `${CHUNKED}${'1;a=bcdef\r\nx\r\n'.repeat(20_000)}0\r\n\r\n`,
    content: 'x'.repeat(20_000),
    reused: true,
  },
  'a chunk extension with a bare LF': { answer: `${CHUNKED}2;a\nok\r\n0\r\n\r\n` },
  'a chunk extension with a bare CR': { answer: `${CHUNKED}2;a\rb\r\nok\r\n0\r\n\r\n` },
  'chunk size over 64 bits': { answer: `${CHUNKED}10000000000000002\r\nok\r\n0\r\n\r\n` },
  'chunk size with a sign': { answer: `${CHUNKED}+2\r\nok\r\n0\r\n\r\n` },
  'chunk size below zero': { answer: `${CHUNKED}-2\r\nok\r\n0\r\n\r\n` },
  'chunk size with 0x': { answer: `${CHUNKED}0x2\r\nok\r\n0\r\n\r\n` },
  'chunk size with an underscore': { answer: `${CHUNKED}0_2\r\nok\r\n0\r\n\r\n` },
  'chunk size behind a blank': { answer: `${CHUNKED} 2\r\nok\r\n0\r\n\r\n` },
  'chunk size before a blank': { answer: `${CHUNKED}2 \r\nok\r\n0\r\n\r\n` },
  'chunk size that is empty': { answer: `${CHUNKED}\r\nok\r\n0\r\n\r\n` },
  'chunk size with leading zeros': { answer: `${CHUNKED}0002\r\nok\r\n000\r\n\r\n`, ...fine },
  'chunk size in upper case': { answer: `${CHUNKED}A\r\n0123456789\r\n0\r\n\r\n`, content: '0123456789', reused: true },
  'a chunk without a line end': { answer: `${CHUNKED}2\r\nok0\r\n\r\n` },
  'a chunk that is longer than it says': { answer: `${CHUNKED}2\r\nokk\r\n0\r\n\r\n` },
  'a chunk that ends with LF alone': { answer: `${CHUNKED}2\r\nok\n0\r\n\r\n` },
  'chunk lines that end with LF alone': { answer: `${CHUNKED}2\nok\n0\n\n` },
  'chunks byte by byte': { answer: [...`${CHUNKED}1\r\no\r\n1\r\nk\r\n0\r\n\r\n`], ...fine },
  trailers: { answer: `${CHUNKED}2\r\nok\r\n0\r\na: b\r\nC: d \r\n\r\n`, ...fine, trailers: ['a', 'b', 'c', 'd'] },
  'a content-length among the trailers': { answer: `${CHUNKED}2\r\nok\r\n0\r\ncontent-length: 9\r\n\r\n${EVIL}` },
  'a transfer-encoding among the trailers': {
    answer: `${CHUNKED}2\r\nok\r\n0\r\ntransfer-encoding: chunked\r\n\r\n`,
    ...fine,
    trailers: ['transfer-encoding', 'chunked'],
  },
  'a folded trailer': { answer: `${CHUNKED}2\r\nok\r\n0\r\na: b\r\n c\r\n\r\n` },
  'trailers of 100 kB': { answer: `${CHUNKED}2\r\nok\r\n0\r\na: ${'x'.repeat(100_000)}\r\n\r\n`, error: large },
  'more than 1,000 trailers': { answer: `${CHUNKED}2\r\nok\r\n0\r\n${'a: b\r\n'.repeat(1_001)}\r\n`, error: large },
  'trailers that end with LF alone': { answer: `${CHUNKED}2\r\nok\r\n0\r\na: b\n\r\n` },
  'HTTP/1.0': { answer: 'HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok', content: 'ok' },
  'HTTP/1.0 that ends with the connection': { answer: 'HTTP/1.0 200 OK\r\n\r\nok', close: true, content: 'ok' },
  'HTTP/1.0 with keep-alive': { answer: 'HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok', ...fine },
  // RFC 9112 §6.1: "...MUST treat the message as if the framing is faulty".
  'transfer-encoding in HTTP/1.0': { answer: 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n' },
  'HTTP/0.9': { answer: '<html>hello</html>' },
  'a version of 0.9': { answer: 'HTTP/0.9 200 OK\r\ncontent-length: 2\r\n\r\nok' },
  'a version of 2.0': { answer: 'HTTP/2.0 200 OK\r\ncontent-length: 2\r\n\r\nok' },
  'a version of 1.2': { answer: 'HTTP/1.2 200 OK\r\ncontent-length: 2\r\n\r\nok' },
  'a version of two digits': { answer: 'HTTP/1.10 200 OK\r\ncontent-length: 2\r\n\r\nok' },
  'a version without a minor part': { answer: 'HTTP/1 200 OK\r\ncontent-length: 2\r\n\r\nok' },
  'another protocol: RTSP': { answer: 'RTSP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok' },
  'another protocol: ICY': { answer: 'ICY 200 OK\r\ncontent-length: 2\r\n\r\nok' },
  'another letter case: http/1.1': { answer: 'http/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok' },
  'status 099': { answer: 'HTTP/1.1 099 OK\r\ncontent-length: 2\r\n\r\nok' },
  'status 000': { answer: 'HTTP/1.1 000 OK\r\ncontent-length: 2\r\n\r\nok' },
  'status 1000': { answer: 'HTTP/1.1 1000 OK\r\ncontent-length: 2\r\n\r\nok' },
  'status of two digits': { answer: 'HTTP/1.1 20 OK\r\ncontent-length: 2\r\n\r\nok' },
  'status with a sign': { answer: 'HTTP/1.1 +200 OK\r\ncontent-length: 2\r\n\r\nok' },
  'status 999': { answer: 'HTTP/1.1 999 Yes\r\ncontent-length: 2\r\n\r\nok', ...fine, status: 999 },
  'no reason': { answer: 'HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\nok', ...fine, reason: '' },
  'no reason and no blank': { answer: 'HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nok', ...fine, reason: '' },
  'a reason with bytes over 127': { answer: 'HTTP/1.1 200 \xd6K\r\ncontent-length: 2\r\n\r\nok', ...fine, reason: '\xd6K' },
  'a reason of 100 kB': { answer: `HTTP/1.1 200 ${'x'.repeat(100_000)}\r\ncontent-length: 2\r\n\r\nok`, error: large },
  'empty lines before the status line': { answer: `\r\n\r\n${length('2')}`, ...fine },
  'empty lines without end': { answer: '\r\n'.repeat(20_000), error: large },
  'blanks without end before a value': { answer: `${OK}a:${' '.repeat(200_000)}b\r\ncontent-length: 2\r\n\r\nok`, error: large },
  'transfer-encoding gzip, chunked': { answer: `${OK}transfer-encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n` },
  'transfer-encoding gzip, then chunked': {
    answer: `${OK}transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  },
  'transfer-encoding gzip': { answer: `${OK}transfer-encoding: gzip\r\n\r\nok`, close: true },
  // RFC 9112 §6.1: "A sender MUST NOT apply the chunked transfer coding more than once to a message body."
  'transfer-encoding chunked, chunked': { answer: `${OK}transfer-encoding: chunked, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n` },
  'transfer-encoding chunked in two lines': {
    answer: `${OK}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  },
  'transfer-encoding Chunked': { answer: `${OK}Transfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`, ...fine },
  // RFC 9112 §6.3: where chunked is not the last coding, content is "determined by reading the connection until it is closed".
  'transfer-encoding identity': { answer: `${OK}transfer-encoding: identity\r\n\r\nok`, close: true, content: 'ok' },
  'transfer-encoding identity and content-length': { answer: `${OK}transfer-encoding: identity\r\ncontent-length: 2\r\n\r\nok` },
  'transfer-encoding with a vertical tab': { answer: `${OK}transfer-encoding: \x0bchunked\r\n\r\n2\r\nok\r\n0\r\n\r\n` },
  'content that ends with the connection': { answer: `${OK}\r\nok`, close: true, content: 'ok' },
  'content that ends with the connection, and looks like an answer': { answer: `${OK}\r\n${EVIL}`, close: true, content: EVIL },
  'connection: close': { answer: `${OK}connection: close\r\ncontent-length: 2\r\n\r\nok`, content: 'ok' },
  'connection: close, and an answer behind': {
    answer: `${OK}connection: close\r\ncontent-length: 2\r\n\r\nok${EVIL}`,
    content: 'ok',
  },
  'bytes behind an answer': { answer: `${length('2')}garbage`, content: 'ok' },
  'an answer behind an answer': { answer: `${length('2')}${EVIL}`, content: 'ok' },
  'an answer behind chunks': { answer: `${CHUNKED}2\r\nok\r\n0\r\n\r\n${EVIL}`, content: 'ok' },
  'an answer behind an answer without content': { answer: `HTTP/1.1 204 -\r\n\r\n${EVIL}`, content: '', status: 204 },
  'a line end behind an answer': { answer: `${length('2')}\r\n`, content: 'ok' },
  'content behind an answer to HEAD': { method: 'HEAD', answer: length('2'), content: '' },
  'an answer behind an answer to HEAD': { method: 'HEAD', answer: `${OK}content-length: 47\r\n\r\n${EVIL}`, content: '' },
  'chunks behind an answer to HEAD': { method: 'HEAD', answer: `${CHUNKED}2\r\nok\r\n0\r\n\r\n`, content: '' },
  'no content-length in an answer to HEAD': { method: 'HEAD', answer: `${OK}\r\n`, content: '' },
  'content behind 204': { answer: 'HTTP/1.1 204 -\r\ncontent-length: 2\r\n\r\nok', content: '', status: 204 },
  'chunks behind 204': { answer: 'HTTP/1.1 204 -\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n', content: '', status: 204 },
  'content behind 304': { answer: 'HTTP/1.1 304 -\r\ncontent-length: 2\r\n\r\nok', content: '', status: 304 },
  '304 without content': { answer: 'HTTP/1.1 304 -\r\netag: "x"\r\n\r\n', content: '', status: 304, reused: true },
  'content behind 100': { answer: `HTTP/1.1 100 -\r\ncontent-length: 2\r\n\r\nok${length('2')}` },
  'an interim answer and a final one': { answer: `HTTP/1.1 103 -\r\na: b\r\n\r\n${length('2')}`, ...fine },
  'a thousand interim answers': { answer: `${'HTTP/1.1 102 -\r\n\r\n'.repeat(1_000)}${length('2')}`, ...fine },
  'interim answers without end': { answer: 'HTTP/1.1 102 -\r\n\r\n'.repeat(10_000), error: large },
  'a folded interim answer': { answer: `HTTP/1.1 103 -\r\na: b\r\n c\r\n\r\n${length('2')}`, ...fine },
  '101 that was not asked for': { answer: 'HTTP/1.1 101 -\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n' },
  '101 without fields': { answer: 'HTTP/1.1 101 -\r\n\r\n' },
  'no byte at all': { answer: '', close: true, error: { ...cut, processed: 'unknown' } },
  'a status line that is cut': { answer: 'HTTP/1.1 2', close: true, error: cut },
  'a head that is cut': { answer: `${OK}a: b\r\n`, close: true, error: cut },
  'a folded head that is cut': { answer: `${OK}a: b\r\n c\r\n`, close: true, error: cut },
  'an interim answer alone': { answer: 'HTTP/1.1 100 -\r\n\r\n', close: true, error: { ...cut, processed: 'unknown' } },
  'content that is cut': { answer: length('3'), close: true, error: cut },
  'chunks that are cut': { answer: `${CHUNKED}2\r\nok\r\n`, close: true, error: cut },
  'a chunk that is cut': { answer: `${CHUNKED}5\r\nok`, close: true, error: cut },
  'trailers that are cut': { answer: `${CHUNKED}2\r\nok\r\n0\r\na: b\r\n`, close: true, error: cut },
}
