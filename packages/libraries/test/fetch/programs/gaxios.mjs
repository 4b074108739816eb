/** Checks of gaxios, under the clients of Google APIs: `gaxios.mjs gaxios|gaxios-6`. */

import { Readable } from 'node:stream'
import { run, watched } from './harness.mjs'
import { aborted, form, LARGE, lengthOf } from './shared-checks.mjs'

const [name] = process.argv.slice(2)
const isOld = name === 'gaxios-6'
const { Gaxios } = await import(name)

const open = (fetch, baseURL) => new Gaxios({ fetchImplementation: fetch, baseURL })
/** The old version does not say that a stream is sent. */
const duplex = isOld ? { duplex: 'half' } : {}
const dataOf = async (promise) => (await promise).data

function checks({ fetch, origin, none }) {
  const api = open(fetch, origin)
  return {
    get: async () => {
      const { data, status, headers } = await api.request({ url: '/users', params: { q: 'a b' } })
      return [data.length, status, headers.get?.('x-request-id') ?? headers['x-request-id']]
    },
    post: () => dataOf(api.request({ url: '/echo', method: 'POST', data: { a: 1 } })),
    put: () => dataOf(api.request({ url: '/echo?n=1', method: 'PUT', data: 'text', headers: { 'content-type': 'text/plain' } })),
    uploadBytes: () => dataOf(api.request({ url: '/upload', method: 'POST', data: Buffer.from(LARGE) })),
    uploadStream: () => dataOf(api.request({ url: '/upload', method: 'POST', data: Readable.from([LARGE]), ...duplex })),
    related: () => {
      const multipart = [
        {
          'Content-Type': 'application/json',
          content: '{"name":"data"}',
          headers: new Headers({ 'content-type': 'application/json' }),
        },
        {
          'Content-Type': 'text/plain',
          content: Readable.from(['content']),
          headers: new Headers({ 'content-type': 'text/plain' }),
        },
      ]
      return dataOf(api.request({ url: '/related', method: 'POST', multipart, ...duplex }))
    },
    bytes: async () => (await dataOf(api.request({ url: '/large', responseType: 'arraybuffer' }))).byteLength,
    stream: async () => lengthOf(await dataOf(api.request({ url: '/large', responseType: 'stream' }))),
    redirected: () => dataOf(api.request({ url: '/moved' })),
    missing: () => api.request({ url: '/missing' }),
    failedOnce: () =>
      dataOf(
        api.request({
          url: '/failing',
          retry: true,
          retryConfig: { retry: 1, retryDelay: 1, retryBackoff: () => Promise.resolve() },
        }),
      ),
    abortWhileWaiting: () => aborted((signal) => api.request({ url: '/silent', signal, retry: false })),
    abortBody: () => {
      const controller = new AbortController()
      return open(
        watched(fetch, () => controller.abort()),
        origin,
      ).request({ url: '/headers', signal: controller.signal, retry: false })
    },
    // The old version leaves them to node-fetch.
    ...(!isOld && { form: () => dataOf(api.request({ url: '/form', method: 'POST', data: form() })) }),
    ...(!isOld && { timeout: () => api.request({ url: '/silent', timeout: 50, retry: false }) }),
    cut: () => api.request({ url: '/cut', retry: false }),
    refused: () => open(fetch, none).request({ url: '/', retry: false }),
  }
}

await run({ checks, host: async ({ fetch, origin }) => (await open(fetch, origin).request({ url: '/users' })).status })
