/** HTTP/2 with prior knowledge, no TLS (RFC 9113 §3.3), against servers that other people wrote. */

import { patternBytes, SMALL_TEXT } from '@unshard/testkit'
import { clientFixture } from '../client/fixture.js'
import { createBehind } from './behind.js'
import { peerList } from './peers.js'

const { client, defer } = clientFixture()

it.each(peerList)('%s: GET and POST over one connection', async (name, { start, upload }) => {
  const server = await start({ behind: createBehind().listener })
  if (server === undefined) return console.warn(`${name} is not installed: this test shows nothing here`)
  defer(() => server.stop())
  const origin = `http://a.test.example:${server.port}`
  const one = client({ cleartextProtocol: 'h2' })
  expect(await (await one.request({ url: `${origin}/small.txt` })).text()).toBe(SMALL_TEXT)
  const body = patternBytes(300_000)
  const response = await one.request({ url: origin + upload.path, method: 'POST', body })
  const answer = Buffer.from(await response.bytes())
  expect(response.connection.protocol).toBe('h2')
  if (upload.answers === 'body') expect(answer.equals(body)).toBe(true)
  else expect(answer.toString()).toBe(String(body.length))
  expect((await (await one.request({ url: `${origin}/1m.bin` })).bytes()).length).toBe(1_048_576)
  expect(one.stats().totals).toMatchObject({ dials: 1, handshakes: 0, replayed: 0 })
})
