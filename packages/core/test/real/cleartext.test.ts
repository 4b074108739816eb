/** HTTP/2 with prior knowledge, without TLS (RFC 9113 §3.3), against third-party servers. */

import { patternBytes, SMALL_TEXT } from '@unshard/testkit'
import { clientFixture } from '../client/fixture.js'
import { createBackend } from './backend.js'
import { peerList } from './peers.js'

const { client: createClient, defer } = clientFixture()

it.each(peerList)('GET and POST to %s use one connection', async (name, { start, upload }) => {
  const server = await start({ behind: createBackend().listener })
  if (server === undefined) return console.warn(`${name} is not installed: the test is skipped`)
  defer(() => server.stop())
  const origin = `http://a.test.example:${server.port}`
  const client = createClient({ cleartextProtocol: 'h2' })
  expect(await (await client.request({ url: `${origin}/small.txt` })).text()).toBe(SMALL_TEXT)
  const body = patternBytes(300_000)
  const response = await client.request({ url: origin + upload.path, method: 'POST', body })
  const answer = Buffer.from(await response.bytes())
  expect(response.connection.protocol).toBe('h2')
  if (upload.answers === 'body') expect(answer.equals(body)).toBe(true)
  else expect(answer.toString()).toBe(String(body.length))
  expect((await (await client.request({ url: `${origin}/1m.bin` })).bytes()).length).toBe(1_048_576)
  expect(client.stats().totals).toMatchObject({ dials: 1, handshakes: 0, replayed: 0 })
})
