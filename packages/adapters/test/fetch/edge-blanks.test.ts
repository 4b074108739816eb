/**
 * Whitespace at the ends of an HTTP/2 field value: malformed by RFC 9113 §8.2.1, but stripped by
 * curl, by browsers, and by fetch.
 */

import { type Field, frames } from '@unshard/testkit'
import { clientBehind } from '../../src/fetch/fetch.js'
import { createFetch } from '../../src/index.js'
import { testEnvironment } from '../environment.js'

const { client, peer } = testEnvironment()

/** Responds to each request with the field section named by its path. */
async function answering(
  sections: Record<string, readonly Field[]>,
): Promise<{ url(path: string): string; connections(): number }> {
  const started = await peer(async (p) => {
    await p.handshake()
    for (;;) {
      const { streamId, path } = (await p.nextRequest()) as { streamId: number; path: string }
      const section = sections[path.slice(1)] ?? [[':status', '200']]
      if (path === '/early')
        p.send(
          frames.headers(streamId, [
            [':status', '103'],
            ['link', ' </a> '],
          ]),
        )
      if (path === '/trailers') {
        p.send(frames.headers(streamId, [[':status', '200']]), frames.headers(streamId, section, { endStream: true }))
      } else p.send(frames.headers(streamId, section, { endStream: true }))
    }
  })
  return { url: (path) => `https://a.test.example:${started.port}/${path}`, connections: () => started.connections }
}

const BLANK: readonly Field[] = [
  [':status', '200'],
  ['x-a', ' a'],
  ['x-b', 'b '],
  ['x-c', '\t c \t'],
  ['x-d', ' '],
  ['x-e', 'e e'],
]
const malformed = { name: 'ResponseError', code: 'ERR_MALFORMED_RESPONSE' }

it('fetch strips it and client.request refuses the response, on one connection with one compression table', async () => {
  const { url, connections } = await answering({ blank: BLANK })
  const fetch = createFetch(client())
  const one = clientBehind(fetch)!
  // Twice: the second time the section is in the table.
  for (let i = 0; i < 2; i++) {
    const response = await fetch(url('blank'))
    expect(Object.fromEntries(response.headers)).toEqual({ 'x-a': 'a', 'x-b': 'b', 'x-c': 'c', 'x-d': '', 'x-e': 'e e' })
    await expect(one.request({ url: url('blank') })).rejects.toMatchObject(malformed)
    const asked = await one.request({ url: url('blank'), trimFieldValues: true })
    expect(asked.headers.get('x-c')).toBe('c')
  }
  expect(connections()).toBe(1)
})

it('applies to interim responses, trailers and redirects as well', async () => {
  const { url } = await answering({
    early: [[':status', '200']],
    trailers: [['x-t', ' t ']],
    go: [
      [':status', '302'],
      ['location', ' /blank '],
    ],
    blank: BLANK,
  })
  const fetch = createFetch(client())
  const links: unknown[] = []
  const onInformational = (_status: number, headers: Headers): void => void links.push(headers.get('link'))
  await fetch(url('early'), { unshard: { onInformational } })
  expect(links).toEqual(['</a>'])
  const response = await fetch(url('trailers'))
  await response.text()
  expect(response.trailers!.get('x-t')).toBe('t')
  expect((await fetch(url('go'))).url).toBe(url('blank'))
  await expect(
    clientBehind(fetch)!
      .request({ url: url('trailers') })
      .then((each) => each.text()),
  ).rejects.toMatchObject(malformed)
})

it.each<[string, readonly Field[]]>([
  [
    'content-length',
    [
      [':status', '200'],
      ['content-length', ' 0'],
    ],
  ],
  ['a status', [[':status', ' 200']]],
  [
    'a connection field',
    [
      [':status', '200'],
      ['connection', ' close'],
    ],
  ],
  [
    'te',
    [
      [':status', '200'],
      ['te', ' trailers'],
    ],
  ],
  [
    'a line feed at the end',
    [
      [':status', '200'],
      ['x-a', 'a\n'],
    ],
  ],
  [
    'a space and a NUL',
    [
      [':status', '200'],
      ['x-a', ' a\0'],
    ],
  ],
  [
    'whitespace together with another defect',
    [
      [':status', '200'],
      ['x-a', ' a'],
      ['X-B', 'b'],
    ],
  ],
])('%s is still refused', async (_what, section) => {
  const { url } = await answering({ wrong: section })
  await expect(createFetch(client())(url('wrong'))).rejects.toMatchObject({ message: 'fetch failed', cause: malformed })
})

it('a field of 16,000 spaces takes no longer than one of 16,000 letters', async () => {
  const section = (blank: string): [string, string][] => [
    [':status', '200'],
    ['x-a', `${blank.repeat(8_000)}a${blank.repeat(8_000)}`],
  ]
  const { url } = await answering({ spaces: section(' '), letters: section('b') })
  const fetch = createFetch(client())
  const fastestMs = async (path: string): Promise<number> => {
    const times: number[] = []
    for (let i = 0; i < 5; i++) {
      const startedAt = performance.now()
      const { headers } = await fetch(url(path))
      times.push(performance.now() - startedAt)
      expect(headers.get('x-a')).toHaveLength(path === 'spaces' ? 1 : 16_001)
    }
    return Math.min(...times)
  }
  // A quadratic scan takes hundreds of times as long.
  expect(await fastestMs('spaces')).toBeLessThan(20 * (await fastestMs('letters')))
})
