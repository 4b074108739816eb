/** Checks of ky: `ky.mjs ky|ky-1`. */

import { run, watched } from './harness.mjs'
import { aborted, form, LARGE, lengthOf } from './shared-checks.mjs'

const [name] = process.argv.slice(2)
const { default: ky } = await import(name)

function checks({ fetch, origin, none }) {
  const api = ky.create({ fetch, retry: 0 })
  const at = (path) => `${origin}${path}`
  return {
    get: async () => {
      const response = await api.get(at('/users'), { searchParams: { q: 'a b' } })
      return [(await response.json()).length, response.status, response.headers.get('x-request-id')]
    },
    post: () => api.post(at('/echo'), { json: { a: 1 } }).json(),
    put: () => api.put(at('/echo?n=1'), { body: 'text' }).json(),
    form: () => api.post(at('/form'), { body: form() }).json(),
    uploadBytes: () => api.post(at('/upload'), { body: Buffer.from(LARGE) }).json(),
    uploadStream: () => api.post(at('/upload'), { body: new Blob([LARGE]).stream(), duplex: 'half' }).json(),
    bytes: async () => (await api.get(at('/large')).arrayBuffer()).byteLength,
    stream: async () => lengthOf((await api.get(at('/large'))).body),
    progress: async () => {
      let bytes = 0
      await api.get(at('/large'), { onDownloadProgress: ({ transferredBytes }) => (bytes = transferredBytes) }).text()
      return bytes
    },
    hooks: async () => {
      const addHeader = (...hooked) => {
        const request = hooked[0].request ?? hooked[0]
        request.headers.set('x-hook', 'yes')
      }
      return api.get(at('/echo'), { hooks: { beforeRequest: [addHeader] } }).json()
    },
    redirected: () => api.get(at('/moved')).json(),
    missing: () => api.get(at('/missing')),
    failedOnce: () => api.get(at('/failing'), { retry: { limit: 1, delay: () => 1 } }).json(),
    abortWhileWaiting: () => aborted((signal) => api.get(at('/silent'), { signal })),
    abortBody: () => {
      const controller = new AbortController()
      return ky
        .create({ fetch: watched(fetch, () => controller.abort()), retry: 0 })
        .get(at('/headers'), { signal: controller.signal })
        .json()
    },
    timeout: () => api.get(at('/silent'), { timeout: 50 }),
    cut: () => api.get(at('/cut')).json(),
    refused: () => api.get(none),
    refusedThenRetried: () => api.get(none, { retry: { limit: 1, delay: () => 1 } }),
  }
}

await run({ checks, host: async ({ fetch, origin }) => (await ky.create({ fetch }).get(`${origin}/users`)).status })
