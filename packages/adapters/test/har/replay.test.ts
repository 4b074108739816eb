/** A recording of a real server, played by `mockClient.fromHar()`. */

import { type MockedClient, mockClient } from '@unshard/core/testing'
import { COMPRESSED_TEXT } from '@unshard/testkit'
import { createFetch } from '../../src/index.js'
import { testEnvironment } from '../environment.js'
import { harFiles } from './fixture.js'

const environment = testEnvironment()
const files = harFiles()

it('a program gets the same answers from a recording as from the server', async () => {
  const server = await environment.server()
  const client = environment.client()
  const url = (path: string): string => `${server.url('a.test.example')}${path}`
  const program = async (own: MockedClient['client']): Promise<unknown[]> => {
    const fetch = createFetch(own)
    const gzip = await (await fetch(url('/gzip'))).text()
    const bytes = await (await own.get(url('/bytes/300'))).bytes()
    const echo = await (await own.post(url('/echo'), { json: { a: 1 } })).json()
    const moved = await own.get(url('/redirect/302?to=/json'))
    const { status } = await fetch(url('/status/404'))
    return [gzip === COMPRESSED_TEXT, [...bytes], echo, moved.url, await moved.json(), status]
  }
  const { finish } = files.record(client, { bodies: {} })
  const answers = await program(client)
  await finish()
  const { client: mock } = mockClient.fromHar(files.path)
  expect(await program(mock)).toEqual(answers)
  await expect(mock.get(url('/gzip'))).rejects.toMatchObject({ code: 'ERR_HAR_NO_ENTRY' })
  expect(server.requests).toHaveLength(6)
})

it('a recording of a request that was replayed plays only its last attempt', async () => {
  let attempts = 0
  const server = await environment.server({
    handler: (request, response) => {
      if (++attempts === 1) request.stream!.session!.destroy()
      else response.end('second')
    },
  })
  const client = environment.client()
  const { finish } = files.record(client, { bodies: {} })
  const url = server.url('a.test.example')
  await (await client.get(url)).text()
  expect((await finish()).log.entries).toHaveLength(2)
  const { client: mock } = mockClient.fromHar(files.path)
  expect(await (await mock.get(url)).text()).toBe('second')
})
