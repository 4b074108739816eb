/** A 421 sends the request again, on a connection of its own, and is remembered. */

import { answerOf, useServers } from './fixture.js'

const servers = useServers()
const url = (host: string, path: string): string => `https://${host}.wild.example:${servers.report.wild}${path}`

it('a request that gets 421 on a shared connection is sent again on its own', async () => {
  const client = servers.client()
  expect(await answerOf(await client.request({ url: url('h0', '/own') }))).toMatchObject({ status: 200, name: 'h0.wild.example' })
  expect(await answerOf(await client.request({ url: url('h1', '/own') }))).toMatchObject({ status: 200, name: 'h1.wild.example' })
})

it('content that can be sent again is', async () => {
  const client = servers.client()
  await answerOf(await client.request({ url: url('h0', '/own') }))
  const response = await client.request({ url: url('h1', '/own'), method: 'POST', body: 'content' })
  expect(await answerOf(response)).toMatchObject({ status: 200, name: 'h1.wild.example' })
})

it('the host does not return to the connection that refused it', async () => {
  const client = servers.client()
  await answerOf(await client.request({ url: url('h0', '/own') }))
  const first = await answerOf(await client.request({ url: url('h1', '/own') }))
  const next = await answerOf(await client.request({ url: url('h1', '/') }))
  expect(next).toMatchObject({ connection: first.connection, name: 'h1.wild.example' })
  const other = await answerOf(await client.request({ url: url('h2', '/') }))
  expect(other.status).toBe(200)
})

it('a 421 on a connection of its own is the response', async () => {
  const client = servers.client()
  expect((await client.request({ url: url('h0', '/misdirected') })).status).toBe(421)
})

it('parallel requests of many hosts all arrive', async () => {
  const client = servers.client()
  const names = Array.from({ length: 60 }, (_, number) => `h${number % 12}`)
  const answers = await Promise.all(names.map(async (host) => answerOf(await client.request({ url: url(host, '/own') }))))
  answers.forEach(({ status, name }, at) => {
    expect([status, name]).toEqual([200, `${names[at]}.wild.example`])
  })
})
