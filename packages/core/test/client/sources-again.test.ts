/** Content that is sent more than once: each attempt sends all of it from the beginning. */

import { FakeClock, frames } from '@unshard/testkit'
import { clientFixture } from './fixture.js'

const { client: createClient, peer, server } = clientFixture()

const LARGE = 'b'.repeat(40_000)

/** Yields `a`, and after `release` is called a part larger than the replay buffer, and `c`. */
function source(): { body: AsyncIterable<string>; release: () => void; abandoned: number } {
  let release!: () => void
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  const parts = ['a', LARGE, 'c']
  let at = 0
  const result = { body: undefined as unknown as AsyncIterable<string>, release, abandoned: 0 }
  result.body = {
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        if (at === 1) await gate
        return at < parts.length ? { done: false, value: parts[at++]! } : { done: true, value: undefined }
      },
      return: async () => {
        result.abandoned++
        return { done: true, value: undefined }
      },
    }),
  }
  return result
}

describe.each(['h2', 'http/1.1'] as const)('over %s', (protocol) => {
  it('parts that a source yields during the delay of a retry are not lost', async () => {
    const clock = new FakeClock()
    const bodies: string[] = []
    const origin = await server({
      protocols: [protocol],
      handler: (request, response) => {
        if (origin.requests.length === 1) {
          response.writeHead(503, { 'retry-after': '2' })
          response.write('later')
          request.on('error', () => undefined).resume()
          return
        }
        let text = ''
        request.on('data', (bytes: Buffer) => {
          text += bytes.toString()
        })
        request.on('end', () => {
          bodies.push(text)
          response.end('taken')
        })
      },
    })
    const client = createClient({ clock, retry: true })
    const { body, release } = source()
    const answer = client.request({ url: `${origin.url('a.test.example')}/`, method: 'PUT', body })
    await origin.delivered(1)
    while (client.stats().totals.replayed < 1) await new Promise(setImmediate)
    release()
    for (let i = 0; i < 20; i++) await new Promise(setImmediate)
    clock.advance(2_000)
    expect(await (await answer).text()).toBe('taken')
    expect(bodies.map((text) => [text.length, text === `a${LARGE}c`])).toEqual([[LARGE.length + 2, true]])
  })

  it('a source that has ended is not abandoned, whatever its length', async () => {
    const origin = await server({ protocols: [protocol] })
    const result = source()
    result.release()
    const response = await createClient().request({
      url: `${origin.url('a.test.example')}/inspect`,
      method: 'PUT',
      body: result.body,
    })
    await response.text()
    expect([response.status, result.abandoned]).toEqual([200, 0])
  })

  it('a source that aborts its own request when it is opened is abandoned with the reason', async () => {
    const origin = await server({ protocols: [protocol] })
    const abort = new AbortController()
    const reasons: unknown[] = []
    const body: AsyncIterable<string> = {
      [Symbol.asyncIterator]: () => {
        abort.abort('enough')
        return {
          next: async () => ({ done: false, value: 'x' }),
          return: async (reason?: unknown) => {
            reasons.push(reason)
            return { done: true, value: undefined }
          },
        }
      },
    }
    const url = `${origin.url('a.test.example')}/inspect`
    await expect(createClient().request({ url, method: 'PUT', body, signal: abort.signal })).rejects.toBe('enough')
    await new Promise(setImmediate)
    expect(reasons).toEqual(['enough'])
  })
})

it('parts that a source yields before the next connection is open are not lost', async () => {
  let openNext!: () => void
  const held = new Promise<void>((resolve) => {
    openNext = resolve
  })
  let content = ''
  const scripted = await peer(async (p) => {
    if (scripted.peers.length === 2) await held
    await p.handshake()
    const { streamId } = await p.nextRequest()
    if (scripted.peers.length === 1) {
      p.send(frames.goaway(0, 0))
      p.socket.end()
      return
    }
    for (let end = false; !end; ) {
      const frame = await p.next('DATA')
      content += frame.payload.toString()
      end = (frame.flags & 1) !== 0
    }
    p.respond(streamId, 204)
  })
  const client = createClient({ waitForSettings: true })
  const { body, release } = source()
  const answer = client.request({ url: `https://a.test.example:${scripted.port}/`, method: 'POST', body })
  while (scripted.peers.length < 2) await new Promise(setImmediate)
  release()
  for (let i = 0; i < 20; i++) await new Promise(setImmediate)
  openNext()
  expect((await answer).status).toBe(204)
  expect([content.length, content === `a${LARGE}c`]).toEqual([LARGE.length + 2, true])
})
