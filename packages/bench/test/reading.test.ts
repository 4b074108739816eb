import { EventEmitter } from 'node:events'
import { check, type Target } from '../src/competitor.js'
import { collect } from '../src/competitors/collect.js'
import { sampleOf } from '../src/competitors/curl.js'
import { contentOf, readerOf } from '../src/competitors/reading.js'

const target: Target = { origin: 'https://a.example', path: '/', text: 'unsharded ', ca: '', inFlight: 1 }
const large: Target = { ...target, bytes: 25 }
const content = Buffer.alloc(25, target.text)

async function* pieces() {
  // The beginning arrives in several pieces.
  yield content.subarray(0, 3)
  yield content.subarray(3, 24)
  yield content.subarray(24)
}

describe('reading a response', () => {
  test.each(['bytes', 'stream'] as const)('%s: its length and its beginning', async (reading) => {
    const read = readerOf({ ...large, reading })
    const seen = await read(new Response(content), pieces)
    expect(seen).toEqual({ bytes: 25, head: 'unsharded ' })
    expect(() => check(large, 200, seen)).not.toThrow()
  })

  test('text: all of it', async () => {
    expect(await readerOf(target)(new Response('hello'), pieces)).toBe('hello')
  })

  test.each([
    ['another text', target, 200, 'unsharded'],
    ['another status', target, 404, 'unsharded '],
    ['one byte less', large, 200, { bytes: 24, head: 'unsharded ' }],
    ['another beginning', large, 200, { bytes: 25, head: 'unsharded?' }],
  ] as const)('%s is an error', (_, asked, status, seen) => {
    expect(() => check(asked, status, seen)).toThrow('expected 200')
  })

  test.each([
    ['bytes', 25, undefined],
    ['stream', 25, undefined],
    ['bytes', 26, 'expected 200'],
  ] as const)('from events, %s of %i', (reading, bytes, message) => {
    const answer = Object.assign(new EventEmitter(), { setEncoding() {} })
    const done: (string | undefined)[] = []
    collect(
      answer,
      { ...large, bytes, reading },
      () => 200,
      (error) => done.push(error?.message),
    )
    for (const [from, to] of [
      [0, 3],
      [3, 24],
      [24, 25],
    ] as const)
      answer.emit('data', content.subarray(from, to))
    answer.emit('end')
    expect(done).toEqual([message === undefined ? undefined : expect.stringContaining(message)])
  })

  test('the request content is its text, repeated', () => {
    expect(contentOf({ ...target, upload: { type: 'text/plain', text: 'ab', bytes: 5 } })?.toString()).toBe('ababa')
    expect(contentOf(target)).toBeUndefined()
  })
})

test('curl: one line per transfer; wrong and missing ones are errors', () => {
  const cost = { cpuMicros: 5, seconds: 1 }
  expect(sampleOf('2 200 6 0\n2 200 6 0\n', '2 200 6 0', 2, cost)).toEqual({ requests: 2, errors: 0, ...cost })
  expect(sampleOf('2 200 6 0\n1.1 200 6 0\n', '2 200 6 0', 3, cost)).toMatchObject({
    requests: 1,
    errors: 2,
    firstError: 'curl printed: 1.1 200 6 0',
  })
})
