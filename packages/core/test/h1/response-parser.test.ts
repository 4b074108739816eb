/**
 * The parser without a connection: the cuts between the pieces of a response do not change the
 * result.
 */

import { ResponseParser } from '../../src/h1/response-parser.js'
import { FORMS, type Form } from './desync-forms.js'

interface Parsed {
  readonly events: string[]
  readonly content: string
  readonly trailers: readonly string[]
  readonly fault: string | undefined
  readonly complete: boolean
  readonly keepAlive: boolean
  /** Bytes after the response. */
  readonly restBytes: number
}

/** Parses `bytes` in pieces of the lengths that `lengths` returns. */
function parse(bytes: Buffer, method: string | undefined, close: boolean, lengths: () => number): Parsed {
  const events: string[] = []
  let content = ''
  const parser = new ResponseParser(
    {
      onInterim: (status, fields) => void events.push(`${status} ${fields.join('|')}`),
      onHead: (status, fields, reason, expected) => void events.push(`${status} ${reason} ${expected} ${fields.join('|')}`),
      onContent: (part, start, end) => {
        content += part.toString('latin1', start, end)
      },
    },
    65_536,
  )
  parser.headOnly = method === 'HEAD'
  let at = 0
  while (at < bytes.length && !parser.complete && parser.fault === undefined) {
    // A copy that is overwritten after the call, because the parser may not keep its input.
    const piece = Buffer.from(bytes.subarray(at, at + lengths()))
    at += parser.execute(piece, 0, piece.length)
    piece.fill(0xff)
  }
  if (close && parser.fault === undefined) parser.finish()
  const { fault, complete, keepAlive, trailers } = parser
  parser.close()
  return {
    events,
    content,
    trailers: complete ? trailers : [],
    fault: fault?.code,
    complete,
    keepAlive: complete && keepAlive,
    restBytes: complete ? bytes.length - at : -1,
  }
}

const bytesOf = ({ answer }: Form): Buffer => Buffer.from(typeof answer === 'string' ? answer : answer.join(''), 'latin1')

it.each(Object.entries(FORMS))('%s: pieces of any length give the same result', (_title, form) => {
  const bytes = bytesOf(form)
  const close = form.close === true
  const wholeResult = parse(bytes, form.method, close, () => bytes.length)
  let seed = 1
  const random = (): number => {
    seed = (seed * 48_271) % 0x7fff_ffff
    return 1 + (seed % 40)
  }
  const minLength = bytes.length > 100_000 ? 4_097 : 1
  for (const lengths of [() => minLength, () => minLength + 1, () => minLength + 2, () => 5_000, () => 4_096, random]) {
    const pieces = parse(bytes, form.method, close, lengths)
    // A fault may be reported before or after content of the same piece.
    const { content: wholeContent, ...expected } = wholeResult
    const { content, ...actual } = pieces
    expect(actual).toEqual(expected)
    if (wholeResult.fault === undefined) expect(content).toBe(wholeContent)
  }
})

it('one parser reads two consecutive responses', () => {
  const heads: number[] = []
  const parser = new ResponseParser(
    { onInterim: () => undefined, onHead: (status) => void heads.push(status), onContent: () => undefined },
    65_536,
  )
  const bytes = Buffer.from(
    'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 404 No\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nrest',
  )
  let at = parser.execute(bytes, 0, bytes.length)
  expect([parser.complete, parser.keepAlive]).toEqual([true, true])
  parser.next()
  at = parser.execute(bytes, at, bytes.length)
  expect([parser.complete, heads, bytes.toString('latin1', at)]).toEqual([true, [200, 404], 'rest'])
  parser.close()
  parser.close()
})

it('a parser that runs inside a callback of another parser does not affect it', () => {
  const chunks: string[] = []
  const make = (name: string, inside?: () => void): ResponseParser =>
    new ResponseParser(
      {
        onInterim: () => undefined,
        onHead: () => inside?.(),
        onContent: (part, start, end) => void chunks.push(`${name} ${part.toString('latin1', start, end)}`),
      },
      65_536,
    )
  const answer = (content: string): Buffer =>
    Buffer.from(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${content.length}\r\n${content}\r\n0\r\n\r\n`)
  const inner = make('inner')
  const outer = make('outer', () => {
    const bytes = answer('second')
    inner.execute(bytes, 0, bytes.length)
  })
  const bytes = answer('first')
  outer.execute(bytes, 0, bytes.length)
  expect(chunks).toEqual(['inner second', 'outer first'])
  expect([outer.complete, inner.complete]).toEqual([true, true])
})
