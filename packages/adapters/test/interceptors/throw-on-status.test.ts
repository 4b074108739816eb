/** `throwOnStatus()`: which statuses reject, and what the error has. */

import { ResponseError } from '@unshard/core'
import { StatusError, throwOnStatus } from '../../src/interceptors/index.js'
import { testEnvironment } from '../environment.js'
import { counted, URL_ } from './fixture.js'

const environment = testEnvironment()

it.each([200, 304, 399])('passes on %i', async (status) => {
  const { client } = counted([throwOnStatus()], () => ({ status }))
  expect((await client.request({ url: URL_ })).status).toBe(status)
})

it.each([400, 404, 500, 599])('rejects for %i with the response, whose body is unread', async (status) => {
  const { client } = counted([throwOnStatus()], () => ({ status, body: 'why' }))
  const error = await client.request({ url: `${URL_}?token=secret#part`, method: 'DELETE' }).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(StatusError)
  expect(error).toBeInstanceOf(ResponseError)
  const { message, code, processed, origin, response, status: given } = error as StatusError
  expect([code, processed, origin, given, response.status]).toEqual([
    'ERR_STATUS',
    'yes',
    'https://a.test.example',
    status,
    status,
  ])
  expect(message).toBe(`DELETE "https://a.test.example/path": status ${status}`)
  expect(await response.text()).toBe('why')
})

it('a function decides', async () => {
  const { client } = counted([throwOnStatus({ statuses: (status) => status === 204 })], () => ({ status: 204 }))
  await expect(client.request({ url: URL_ })).rejects.toMatchObject({ name: 'StatusError', status: 204 })
})

it('an error of the function rejects the request, and its response is discarded', async () => {
  const error = new Error('own')
  const interceptor = throwOnStatus({
    statuses: () => {
      throw error
    },
  })
  const { client, connections } = counted([interceptor], () => ({ body: new ReadableStream<Uint8Array>() }))
  await expect(client.request({ url: URL_ })).rejects.toBe(error)
  expect(connections[0]!.active).toBe(0)
})

it('errors of the connection pass', async () => {
  const { client } = counted([throwOnStatus()], () => Promise.reject(new Error('own')))
  await expect(client.request({ url: URL_ })).rejects.toThrow('own')
})

it('fetch rejects with the error as cause, after redirects', async () => {
  const { port } = await environment.server()
  const fetch = environment.fetch({ interceptors: [throwOnStatus()] })
  await expect(fetch(`https://a.test.example:${port}/redirect/302?to=/status/500`)).rejects.toMatchObject({
    name: 'TypeError',
    cause: { code: 'ERR_STATUS', status: 500 },
  })
})

it.each([[{ status: () => true }], [{ statuses: 500 }], [5]])('refuses %j', (options) => {
  expect(() => throwOnStatus(options as never)).toThrow(expect.objectContaining({ name: 'UsageError' }))
})
