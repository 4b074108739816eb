/** Checks of Octokit: `octokit.mjs @octokit/core|@octokit/core-5`. */

import { createFetch } from 'unshard'
import { client, run, watched } from './harness.mjs'

const [name] = process.argv.slice(2)
const { Octokit } = await import(name)
const { retry } = await import('@octokit/plugin-retry')

const quiet = { debug() {}, info() {}, warn() {}, error() {} }
const open = ({ fetch, origin, ...options }) =>
  new Octokit({ auth: 'token', baseUrl: origin, log: quiet, request: { fetch }, ...options })
const large = 'unsharded '.repeat(50_000)

function checks({ fetch, origin, none, own }) {
  const octokit = open({ fetch, origin })
  const Retrying = Octokit.plugin(retry)
  const retrying = new Retrying({ baseUrl: origin, log: quiet, request: { fetch }, retry: { retryAfterBaseValue: 1 } })
  return {
    get: async () => {
      const { data, status, headers, url } = await octokit.request('GET /repos/{owner}/{repo}', { owner: 'o', repo: 'r' })
      return [data.name, status, headers['x-github-request-id'], url.replace(/:\d+/, '')]
    },
    post: async () => (await octokit.request('POST /repos/o/r/issues', { title: 'Über' })).data.title,
    graphql: async () => (await octokit.graphql('query { viewer { login } }')).viewer.login,
    graphqlError: () => octokit.graphql('query { wrong }'),
    upload: async () => {
      const headers = { 'content-type': 'application/octet-stream' }
      return (await octokit.request('POST /upload', { data: Buffer.from(large), headers })).data.content
    },
    uploadOfStream: async () => {
      const headers = { 'content-type': 'application/octet-stream' }
      return (await octokit.request('POST /upload', { data: new Blob([large]).stream(), headers })).data.content
    },
    download: async () => (await octokit.request('GET /archive')).data.byteLength,
    stream: async () => {
      const { data } = await octokit.request('GET /archive', { request: { fetch, parseSuccessResponseBody: false } })
      let bytes = 0
      for await (const part of data) bytes += part.length
      return bytes
    },
    noContent: async () => (await octokit.request('GET /nothing')).status,
    notModified: () => octokit.request('GET /same'),
    redirected: async () => (await octokit.request('GET /moved')).data.name,
    missing: () => octokit.request('GET /missing'),
    errorText: () => octokit.request('GET /text'),
    head: () => octokit.request('HEAD /missing'),
    failedOnce: async () => (await retrying.request('GET /failing')).data.name,
    abortWhileWaiting: () => {
      const controller = new AbortController()
      const promise = octokit.request('GET /silent', { request: { signal: controller.signal } })
      setImmediate(() => controller.abort())
      return promise
    },
    abortBody: async () => {
      const controller = new AbortController()
      const slow = watched(fetch, () => controller.abort())
      return (await octokit.request('GET /headers', { request: { fetch: slow, signal: controller.signal } })).data
    },
    refused: () => open({ fetch, origin: none }).request('GET /'),
    ...(own && {
      headWithText: () => open({ fetch: createFetch(client, { registeredStatusText: true }), origin }).request('HEAD /missing'),
    }),
  }
}

await run({ checks, host: async ({ fetch, origin }) => (await open({ fetch, origin }).request('GET /repos/o/r')).data.name })
