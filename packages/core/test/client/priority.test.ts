/** Priorities as sent: the request field, and PRIORITY_UPDATE during the response (RFC 9218). */

import { type Frame, frames, type ScriptedConnection } from '@unshard/testkit'
import type { Priority, ProtocolName } from '../../src/index.js'
import { clientFixture } from './fixture.js'

const { client: createClient, server, peer } = clientFixture()

describe.each<ProtocolName>(['h2', 'http/1.1'])('over %s', (protocol) => {
  it.each<[Priority | undefined, string | undefined]>([
    [undefined, undefined],
    [{ urgency: 3 }, undefined],
    [{ urgency: 1, incremental: true }, 'u=1, i'],
  ])('priority %j is sent as the field %j', async (priority, value) => {
    const { port } = await server({ protocols: [protocol] })
    const url = `https://a.test.example:${port}/inspect`
    const response = await createClient().request({ url, ...(priority === undefined ? {} : { priority }) })
    const { headers } = (await response.json()) as { headers: Record<string, string> }
    expect(headers.priority).toBe(value)
  })

  it('a response that is complete or uses HTTP/1.1 is not reprioritized', async () => {
    const { port } = await server({ protocols: [protocol] })
    const response = await createClient().request({ url: `https://a.test.example:${port}/bytes/100000` })
    const reprioritized = response.reprioritize({ urgency: 7 })
    if (protocol === 'http/1.1') expect(reprioritized).toBe(false)
    await response.bytes()
    expect(response.reprioritize({ urgency: 7 })).toBe(false)
  })
})

it('a duplicate priority is refused before a byte is sent', async () => {
  const client = createClient()
  const request = client.request({ url: 'https://a.test.example/', headers: { Priority: 'u=1' }, priority: { urgency: 1 } })
  await expect(request).rejects.toMatchObject({ name: 'UsageError', code: 'ERR_INVALID_PRIORITY' })
  expect(client.stats().totals.dials).toBe(0)
})

it('PRIORITY_UPDATE is sent during a response, and its connection stays open (RFC 9218 §7.1)', async () => {
  let update!: (frame: Frame) => void
  const updated = new Promise<Frame>((resolve) => {
    update = resolve
  })
  const { port, failures } = await peer(async (p: ScriptedConnection) => {
    await p.handshake({ noRfc7540Priorities: 1 })
    const { streamId } = await p.nextRequest()
    p.send(frames.headers(streamId, [[':status', '200']]))
    update(await p.next('PRIORITY_UPDATE'))
    p.send(frames.data(streamId, 'late', { endStream: true }))
    p.respond((await p.nextRequest()).streamId, 204)
  })
  const client = createClient()
  const url = `https://a.test.example:${port}/`
  const response = await client.request({ url })
  expect(() => response.reprioritize({ urgency: 9 })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_PRIORITY' }))
  expect(response.reprioritize({ urgency: 6, incremental: true })).toBe(true)
  const { streamId, payload } = await updated
  expect([streamId, payload.readUInt32BE(0), payload.toString('latin1', 4)]).toEqual([0, 1, 'u=6, i'])
  expect(await response.text()).toBe('late')
  expect((await client.request({ url })).status).toBe(204)
  expect(failures).toEqual([])
})
