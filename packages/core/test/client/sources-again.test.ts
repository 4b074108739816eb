/** Content that is sent more than once: each attempt sends it completely from the beginning, whatever the source yields in between. */

import { FakeClock, frames } from '@unshard/testkit'
import { clientFixture } from './fixture.js'

const { client, peer, server } = clientFixture()

const LARGE = 'b'.repeat(40_000)

/** Yields `a`, and once `more` is called a part larger than the replay buffer, and `c`. */
function source(): { body: AsyncIterable<string>; more: () => void; left: number } {
  let more!: () => void
  const gate = new Promise<void>((resolve) => {
    more = resolve
  })
  const parts = ['a', LARGE, 'c']
  let at = 0
  const made = { body: undefined as unknown as AsyncIterable<string>, more, left: 0 }
  made.body = {
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        if (at === 1) await gate
        return at < parts.length ? { done: false, value: parts[at++]! } : { done: true, value: undefined }
      },
      return: async () => {
        made.left++
        return { done: true, value: undefined }
      },
    }),
  }
  return made
}

describe.each(['h2', 'http/1.1'] as const)('over %s', (protocol) => {
  it('a retry requested by the server: parts yielded during the pause are not lost', async () => {
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
    const one = client({ clock, retry: true })
    const { body, more } = source()
    const answer = one.request({ url: `${origin.url('a.test.example')}/`, method: 'PUT', body })
    await origin.delivered(1)
    while (one.stats().totals.replayed < 1) await new Promise(setImmediate)
    more()
    for (let i = 0; i < 20; i++) await new Promise(setImmediate)
    clock.advance(2_000)
    expect(await (await answer).text()).toBe('taken')
    expect(bodies.map((text) => [text.length, text === `a${LARGE}c`])).toEqual([[LARGE.length + 2, true]])
  })

  it('a source that has ended is not abandoned, however long it was', async () => {
    const origin = await server({ protocols: [protocol] })
    const made = source()
    made.more()
    const response = await client().request({ url: `${origin.url('a.test.example')}/inspect`, method: 'PUT', body: made.body })
    await response.text()
    expect([response.status, made.left]).toEqual([200, 0])
  })

  it('a source that ends its own request while opening is abandoned, with the reason', async () => {
    const origin = await server({ protocols: [protocol] })
    const abort = new AbortController()
    const heard: unknown[] = []
    const body: AsyncIterable<string> = {
      [Symbol.asyncIterator]: () => {
        abort.abort('enough')
        return {
          next: async () => ({ done: false, value: 'x' }),
          return: async (reason?: unknown) => {
            heard.push(reason)
            return { done: true, value: undefined }
          },
        }
      },
    }
    const url = `${origin.url('a.test.example')}/inspect`
    await expect(client().request({ url, method: 'PUT', body, signal: abort.signal })).rejects.toBe('enough')
    await new Promise(setImmediate)
    expect(heard).toEqual(['enough'])
  })
})

it('an unprocessed stream: parts yielded before the next connection is open are not lost', async () => {
  let again!: () => void
  const held = new Promise<void>((resolve) => {
    again = resolve
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
  const one = client({ waitForSettings: true })
  const { body, more } = source()
  const answer = one.request({ url: `https://a.test.example:${scripted.port}/`, method: 'POST', body })
  while (scripted.peers.length < 2) await new Promise(setImmediate)
  more()
  for (let i = 0; i < 20; i++) await new Promise(setImmediate)
  again()
  expect((await answer).status).toBe(204)
  expect([content.length, content === `a${LARGE}c`]).toEqual([LARGE.length + 2, true])
})
