import fc from 'fast-check'
import { RequestReader } from '../../src/server/h1/request-reader.js'

/** Everything that a reader reports, with content joined. */
function read(parts: readonly Uint8Array[]): unknown[] {
  const events: unknown[] = []
  let content = ''
  const reader = new RequestReader({
    onHead(head, closes) {
      content = ''
      events.push({ ...head, closes })
    },
    onContent(bytes) {
      content += Buffer.from(bytes).toString('latin1')
    },
    onEnd: () => events.push(content),
  })
  for (const part of parts) reader.push(part)
  return events
}

const MESSAGES = [
  'GET /r/1 HTTP/1.1\r\nHost: a.example\r\nX-Request: 1\r\nauthorization: Bearer x\r\n\r\n',
  'POST /r/2 HTTP/1.1\r\nhost: a.example\r\nx-request: 2\r\ncontent-length: 5\r\n\r\nhello',
  'POST /r/3 HTTP/1.1\r\nhost: b.example\r\nx-request: 3\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n',
  'GET /r/4 HTTP/1.1\r\nhost: a.example\r\nx-request: 4\r\nconnection: close\r\n\r\n',
].join('')

const EVENTS = [
  { id: 1, method: 'GET', authority: 'a.example', credentials: 'Bearer x', closes: false },
  '',
  { id: 2, method: 'POST', authority: 'a.example', credentials: undefined, closes: false },
  'hello',
  { id: 3, method: 'POST', authority: 'b.example', credentials: undefined, closes: false },
  'abcd0123456789abcdef',
  { id: 4, method: 'GET', authority: 'a.example', credentials: undefined, closes: true },
  '',
]

it('requests are the same however the network slices them', () => {
  const bytes = Buffer.from(MESSAGES, 'latin1')
  expect(read([bytes])).toEqual(EVENTS)
  expect(read(Array.from(bytes, (byte) => Buffer.of(byte)))).toEqual(EVENTS)
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 20 }), (cuts) => {
      const ends = [...new Set([...cuts, bytes.length])].sort((one, other) => one - other)
      expect(read(ends.map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end)))).toEqual(EVENTS)
    }),
  )
})

it('a request that is incomplete has not ended', () => {
  expect(read([Buffer.from('POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nhell', 'latin1')])).toHaveLength(1)
})
