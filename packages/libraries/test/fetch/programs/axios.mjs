/** Checks of the fetch adapter of axios: `axios.mjs axios|axios-1.7`. The old version uses the global `fetch`. */

import { createRequire } from 'node:module'
import { run, watched } from './harness.mjs'
import { aborted, form, LARGE, lengthOf } from './shared-checks.mjs'

const [name] = process.argv.slice(2)
const axios = createRequire(import.meta.url)(name)
const isOld = name === 'axios-1.7'
const open = ({ fetch, origin, ...options }) =>
  axios.create({ adapter: 'fetch', baseURL: origin, ...(isOld ? undefined : { env: { fetch } }), ...options })
const dataOf = async (promise) => (await promise).data

function checks({ fetch, origin, none }) {
  const api = open({ fetch, origin })
  return {
    get: async () => {
      const { data, status, headers } = await api.get('/users', { params: { q: 'a b' } })
      return [data.length, status, headers['x-request-id']]
    },
    post: () => dataOf(api.post('/echo', { a: 1 })),
    put: () => dataOf(api.put('/echo', 'text', { params: { n: 1 } })),
    // With `false` the type is that of the form: axios declares another one in Node.js.
    form: () => dataOf(api.post('/form', form(), { headers: { 'content-type': false } })),
    uploadBytes: () => dataOf(api.post('/upload', Buffer.from(LARGE))),
    uploadStream: () => dataOf(api.post('/upload', new Blob([LARGE]).stream(), { headers: { 'content-type': 'text/plain' } })),
    bytes: async () => (await dataOf(api.get('/large', { responseType: 'arraybuffer' }))).byteLength,
    stream: async () => lengthOf(await dataOf(api.get('/large', { responseType: 'stream' }))),
    progress: async () => {
      let loaded = 0
      const onDownloadProgress = (event) => (loaded = event.loaded)
      await api.get('/large', { onDownloadProgress })
      return loaded
    },
    redirected: () => dataOf(api.get('/moved')),
    missing: () => api.get('/missing'),
    errorData: () => api.get('/missing').catch(({ response }) => response.data),
    abortWhileWaiting: () => aborted((signal) => api.get('/silent', { signal })),
    abortBody: async () => {
      const controller = new AbortController()
      const slow = watched(fetch, () => controller.abort())
      if (!isOld) return open({ fetch: slow, origin }).get('/headers', { signal: controller.signal })
      const { fetch: before } = globalThis
      globalThis.fetch = watched(before, () => controller.abort())
      return api.get('/headers', { signal: controller.signal }).finally(() => (globalThis.fetch = before))
    },
    timeout: () => api.get('/silent', { timeout: 50 }),
    cut: () => api.get('/cut'),
    refused: () => open({ fetch, origin: none }).get('/'),
  }
}

const host = async ({ fetch, origin }) => (await open({ fetch, origin }).get('/users')).status
await run({ checks, host, global: isOld })
