/** Checks of ofetch: `ofetch.mjs ofetch|ofetch-1.0`. */

import { createFetch } from 'unshard'
import { client, run, watched } from './harness.mjs'
import { aborted, form, LARGE, lengthOf } from './shared-checks.mjs'

const [name] = process.argv.slice(2)
const { createFetch: createOfetch } = await import(name)
const open = (fetch, baseURL) =>
  createOfetch({ fetch, Headers, AbortController, defaults: { baseURL, retry: 0 } }).create({ baseURL, retry: 0 })

function checks({ fetch, origin, none, own }) {
  const $fetch = open(fetch, origin)
  return {
    get: async () => {
      const { _data, status, headers } = await $fetch.raw('/users', { query: { q: 'a b' } })
      return [_data.length, status, headers.get('x-request-id')]
    },
    post: () => $fetch('/echo', { method: 'POST', body: { a: 1 } }),
    put: () => $fetch('/echo', { method: 'PUT', body: 'text', query: { n: 1 } }),
    form: () => $fetch('/form', { method: 'POST', body: form() }),
    uploadBytes: () => $fetch('/upload', { method: 'POST', body: new Uint8Array(Buffer.from(LARGE)) }),
    uploadStream: () => $fetch('/upload', { method: 'POST', body: new Blob([LARGE]).stream(), duplex: 'half' }),
    bytes: async () => (await $fetch('/large', { responseType: 'arrayBuffer' })).byteLength,
    ...(name === 'ofetch' && { stream: async () => lengthOf(await $fetch('/large', { responseType: 'stream' })) }),
    redirected: () => $fetch('/moved'),
    missing: () => $fetch('/missing'),
    errorData: () => $fetch('/missing').catch(({ data }) => data),
    failedOnce: () => $fetch('/failing', { retry: 1, retryDelay: 1 }),
    abortWhileWaiting: () => aborted((signal) => $fetch('/silent', { signal })),
    abortBody: () => {
      const controller = new AbortController()
      return open(
        watched(fetch, () => controller.abort()),
        origin,
      )('/headers', { signal: controller.signal })
    },
    ...(name === 'ofetch' && { timeout: () => $fetch('/silent', { timeout: 50 }) }),
    cut: () => $fetch('/cut'),
    refused: () => open(fetch, none)('/'),
    ...(own && { missingWithText: () => open(createFetch(client, { registeredStatusText: true }), origin)('/missing') }),
  }
}

await run({ checks, host: async ({ fetch, origin }) => (await open(fetch, origin).raw('/users')).status })
