/** Checks of the client of Slack: `slack.mjs @slack/web-api|@slack/web-api-7`. The old version takes an agent. */

import { createAgent } from 'unshard/http'
import { client, run } from './harness.mjs'

const [name] = process.argv.slice(2)
const isOld = name === '@slack/web-api-7'
const { WebClient } = await import(name)

const quiet = { debug() {}, info() {}, warn() {}, error() {}, setLevel() {}, getLevel() {}, setName() {} }

const agent = createAgent(client)

function open({ fetch, origin, ...options }) {
  const door = isOld ? fetch !== globalThis.fetch && { agent } : { fetch }
  const retryConfig = { retries: 1, minTimeout: 1, maxTimeout: 1 }
  return new WebClient('xoxb-1', { slackApiUrl: `${origin}/api/`, logger: quiet, retryConfig, ...door, ...options })
}

function checks({ fetch, origin, none }) {
  const slack = open({ fetch, origin })
  return {
    post: async () => {
      const { ok, message } = await slack.chat.postMessage({ channel: 'C1', text: 'Über & co', blocks: [{ type: 'divider' }] })
      return [ok, message.text]
    },
    pages: async () => {
      const ids = []
      for await (const { channels } of slack.paginate('conversations.list', { limit: 2 }))
        ids.push(...channels.map(({ id }) => id))
      return ids
    },
    upload: async () => {
      const file = Buffer.from('unsharded '.repeat(50_000))
      const { files } = await slack.filesUploadV2({ channel_id: 'C1', file, filename: 'data.txt' })
      return files[0].files[0].title
    },
    apiError: () => slack.chat.postMessage({ channel: 'wrong', text: '' }),
    status: () => open({ fetch, origin, retryConfig: { retries: 0 } }).apiCall('unavailable'),
    failedOnce: async () => (await slack.apiCall('failing')).ok,
    rateLimitedOnce: async () => (await slack.apiCall('limited')).ok,
    rejected: () => open({ fetch, origin, rejectRateLimitedCalls: true, retryConfig: { retries: 0 } }).apiCall('always.limited'),
    timeout: () => open({ fetch, origin, timeout: 50, retryConfig: { retries: 0 } }).apiCall('silent'),
    refused: () => open({ fetch, origin: none, retryConfig: { retries: 0 } }).auth.test(),
  }
}

await run({ checks, host: async ({ fetch, origin }) => (await open({ fetch, origin }).auth.test()).ok })
