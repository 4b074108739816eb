/** `expect: 100-continue` over HTTP/2 (RFC 9110 §10.1.1); over HTTP/1.1 see h1/continue.test.ts. */

import { FakeClock, frames, type ScriptedConnection } from '@unshard/testkit'
import { gate, serve } from '../hostile/fixture.js'
import { clientFixture } from './fixture.js'

const { client: createClient, peer } = clientFixture()
const headers = { expect: '100-continue' }

async function* source(): AsyncGenerator<string> {
  yield 'streamed'
}

async function start(script: (p: ScriptedConnection, streamId: number) => Promise<unknown>, clock = new FakeClock()) {
  const scripted = await peer(async (p) => {
    await p.handshake()
    await script(p, (await p.nextRequest()).streamId)
    await serve(p)
  })
  return { clock, url: `https://a.test.example:${scripted.port}/`, client: createClient({ clock }), scripted }
}

describe.each([
  ['bytes', () => 'in memory', 'in memory'],
  ['a stream', () => source(), 'streamed'],
])('request content, given as %s,', (_what, body, text) => {
  it('is sent after 100', async () => {
    const { client, url } = await start(async (p, id) => {
      p.send(frames.headers(id, [[':status', '100']]))
      const data = await p.next('DATA')
      p.respond(id, 200, [], data.payload.toString())
    })
    expect(await (await client.request({ url, method: 'PUT', headers, body: body() })).text()).toBe(text)
  })

  it('is sent after a second if the server ignores the expectation', async () => {
    const delivered = gate()
    const { client, url, clock } = await start(async (p, id) => {
      delivered.open()
      const data = await p.next('DATA')
      p.respond(id, 200, [], data.payload.toString())
    })
    const response = client.request({ url, method: 'PUT', headers, body: body() })
    await delivered.promise
    clock.advance(999)
    expect(clock.pending).toBeGreaterThan(0)
    clock.advance(1)
    expect(await (await response).text()).toBe(text)
  })

  it.each([401, 413, 417, 200])('is not sent if %d arrives first, and the connection stays open', async (status) => {
    const { client, url, scripted } = await start(async (p, id) => {
      p.respond(id, status, [], 'no')
      expect(await p.next('RST_STREAM')).toMatchObject({ streamId: id })
    })
    const response = await client.request({ url, method: 'PUT', headers, body: body() })
    expect([response.status, await response.text()]).toEqual([status, 'no'])
    expect((await client.request({ url })).status).toBe(204)
    expect(scripted.connections).toBe(1)
    expect(scripted.failures).toEqual([])
  })
})

it('an empty request: "MUST NOT generate a 100-continue expectation in a request that does not include content"', async () => {
  const fieldNames: string[] = []
  const scripted = await peer(async (p) => {
    await p.handshake()
    for (;;) {
      const { streamId, fields } = await p.nextRequest()
      fieldNames.push(fields.map(([name]) => name).join(' '))
      p.respond(streamId, 204)
    }
  })
  const client = createClient()
  const url = `https://a.test.example:${scripted.port}/`
  for (const body of [null, '']) expect((await client.request({ url, method: 'POST', headers, body })).status).toBe(204)
  for (const names of fieldNames) expect(names).not.toContain('expect')
})

it('an abort while the request waits for 100 ends the request and leaves no timer', async () => {
  const delivered = gate()
  const { client, url } = await start(async (p) => {
    delivered.open()
    await p.next('RST_STREAM')
  })
  const abort = new AbortController()
  const failing = client.request({ url, method: 'PUT', headers, body: 'x', signal: abort.signal })
  await delivered.promise
  abort.abort('enough')
  await expect(failing).rejects.toBe('enough')
})
