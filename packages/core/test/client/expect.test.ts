/** `expect: 100-continue` over HTTP/2 (RFC 9110 §10.1.1); over HTTP/1.1 see h1/continue.test.ts. */

import { FakeClock, frames, type ScriptedConnection } from '@unshard/testkit'
import { gate, serve } from '../hostile/fixture.js'
import { rig } from './rig.js'

const { client, peer } = rig()
const headers = { expect: '100-continue' }

async function* source(): AsyncGenerator<string> {
  yield 'streamed'
}

async function meet(script: (p: ScriptedConnection, streamId: number) => Promise<unknown>, clock = new FakeClock()) {
  const started = await peer(async (p) => {
    await p.handshake()
    await script(p, (await p.nextRequest()).streamId)
    await serve(p)
  })
  return { clock, url: `https://a.test.example:${started.port}/`, one: client({ clock }), started }
}

describe.each([
  ['bytes', () => 'in memory', 'in memory'],
  ['a stream', () => source(), 'streamed'],
])('content of %s', (_what, body, text) => {
  it('waits for 100, then is sent', async () => {
    const { one, url } = await meet(async (p, id) => {
      p.send(frames.headers(id, [[':status', '100']]))
      const data = await p.next('DATA')
      p.respond(id, 200, [], data.payload.toString())
    })
    expect(await (await one.request({ url, method: 'PUT', headers, body: body() })).text()).toBe(text)
  })

  it('is sent after a second to a server that ignores the expectation', async () => {
    const asked = gate()
    const { one, url, clock } = await meet(async (p, id) => {
      asked.open()
      const data = await p.next('DATA')
      p.respond(id, 200, [], data.payload.toString())
    })
    const response = one.request({ url, method: 'PUT', headers, body: body() })
    await asked.promise
    clock.advance(999)
    expect(clock.pending).toBeGreaterThan(0)
    clock.advance(1)
    expect(await (await response).text()).toBe(text)
  })

  it.each([401, 413, 417, 200])('is not sent if %d arrives first, and the connection stays open', async (status) => {
    const { one, url, started } = await meet(async (p, id) => {
      p.respond(id, status, [], 'no')
      expect(await p.next('RST_STREAM')).toMatchObject({ streamId: id })
    })
    const response = await one.request({ url, method: 'PUT', headers, body: body() })
    expect([response.status, await response.text()]).toEqual([status, 'no'])
    expect((await one.request({ url })).status).toBe(204)
    expect(started.connections).toBe(1)
    expect(started.failures).toEqual([])
  })
})

it('"MUST NOT generate a 100-continue expectation in a request that does not include content"', async () => {
  const seen: string[] = []
  const started = await peer(async (p) => {
    await p.handshake()
    for (;;) {
      const { streamId, fields } = await p.nextRequest()
      seen.push(fields.map(([name]) => name).join(' '))
      p.respond(streamId, 204)
    }
  })
  const one = client()
  const url = `https://a.test.example:${started.port}/`
  for (const body of [null, '']) expect((await one.request({ url, method: 'POST', headers, body })).status).toBe(204)
  for (const names of seen) expect(names).not.toContain('expect')
})

it('an abort during the wait ends the request, and leaves no timer', async () => {
  const asked = gate()
  const { one, url } = await meet(async (p) => {
    asked.open()
    await p.next('RST_STREAM')
  })
  const abort = new AbortController()
  const failing = one.request({ url, method: 'PUT', headers, body: 'x', signal: abort.signal })
  await asked.promise
  abort.abort('enough')
  await expect(failing).rejects.toBe('enough')
})
