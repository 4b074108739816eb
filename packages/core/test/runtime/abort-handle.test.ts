/** The abort handle of the adapters: an AbortSignal without events. */

import { AbortHandle } from '../../src/internal/index.js'
import { clientFixture } from '../client/fixture.js'

const { server, client: createClient } = clientFixture()
const PROTOCOLS = ['h2', 'http/1.1'] as const

describe.each(PROTOCOLS)('AbortHandle over %s', (protocol) => {
  it('ends a request, which rejects with the reason itself', async () => {
    const { port, delivered } = await server()
    const handle = new AbortHandle()
    const never = createClient({ protocols: [protocol] }).request({
      url: `https://a.test.example:${port}/never`,
      signal: handle.signal,
    })
    const reason = new Error('changed my mind')
    const failed = expect(never).rejects.toBe(reason)
    await delivered(1)
    handle.abort(reason)
    handle.abort(new Error('too late'))
    await failed
    expect([handle.aborted, handle.reason]).toEqual([true, reason])
  })

  it('ends the body of a response', async () => {
    const { port } = await server()
    const handle = new AbortHandle()
    const client = createClient({ protocols: [protocol] })
    const response = await client.request({ url: `https://a.test.example:${port}/slow`, signal: handle.signal })
    const reason = new Error('changed my mind')
    const failed = expect(response.text()).rejects.toBe(reason)
    handle.abort(reason)
    await failed
  })

  it('sends no request after an earlier abort, and has no effect after the end', async () => {
    const { port, requests } = await server()
    const url = `https://a.test.example:${port}/json`
    const client = createClient({ protocols: [protocol] })
    const before = new AbortHandle()
    before.abort('no')
    await expect(client.request({ url, signal: before.signal })).rejects.toBe('no')
    expect(requests.length).toBe(0)
    const after = new AbortHandle()
    const response = await client.request({ url, signal: after.signal })
    expect(await response.json()).toMatchObject({ message: 'hello' })
    after.abort('late')
    expect((await client.request({ url })).connection.id).toBe(response.connection.id)
  })
})

it('the signal of an AbortHandle is not an event target', () => {
  expect(() => new AbortHandle().signal.addEventListener('abort', () => undefined)).toThrow(TypeError)
})
