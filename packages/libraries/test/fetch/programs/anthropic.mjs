/** Checks of the SDK of Anthropic: `anthropic.mjs @anthropic-ai/sdk|@anthropic-ai/sdk-0`. */

import { Dispatcher } from 'unshard'
import { client, joined, run, watched } from './harness.mjs'

const [name] = process.argv.slice(2)
const isNew = name === '@anthropic-ai/sdk'
// The old version makes requests for node-fetch otherwise.
if (!isNew) await import('@anthropic-ai/sdk-0/shims/web')
const { default: Anthropic, toFile } = await import(name)
const messages = [{ role: 'user', content: 'Hello' }]
const tools = [{ name: 'weather', input_schema: { type: 'object', properties: { city: { type: 'string' } } } }]
const large = 'unsharded '.repeat(50_000)

const open = ({ fetch, origin, ...options }) => new Anthropic({ apiKey: 'sk-1', baseURL: origin, fetch, ...options })
const create = (ai, body, options) => ai.messages.create({ model: 'm', max_tokens: 9, messages, ...body }, options)
const textOf = async (ai, body) => (await create(ai, body)).content[0].text
const streamed = async (ai, body, options) => deltas(await create(ai, { stream: true, ...body }, options))

async function* deltas(stream) {
  for await (const { delta } of stream) yield delta?.text
}

function checks({ fetch, origin, none, own }) {
  const ai = open({ fetch, origin })
  const once = open({ fetch, origin, maxRetries: 0 })
  return {
    create: () => textOf(ai),
    stream: async () => joined(await streamed(ai)),
    streamHelper: async () => (await ai.messages.stream({ model: 'm', max_tokens: 9, messages }).finalMessage()).content[0].text,
    response: async () => {
      const { response } = await ai.messages.create({ model: 'm', max_tokens: 9, messages }).withResponse()
      return [response.status, response.headers.get('request-id')]
    },
    wrongRequest: () => textOf(once, { model: 'wrong' }),
    errorText: () => textOf(once, { model: 'text' }),
    rateLimitedOnce: () => textOf(ai, { model: 'limited' }),
    overloadedOnce: () => textOf(ai, { model: 'failing' }),
    failsMidway: async () => joined(await streamed(once, { model: 'midway' })),
    cutOff: async () => joined(await streamed(once, { model: 'cut' })),
    abortWhileWaiting: () => {
      const controller = new AbortController()
      const promise = create(once, { model: 'silent' }, { signal: controller.signal })
      setImmediate(() => controller.abort())
      return promise
    },
    abortWhileStreaming: async () => {
      const controller = new AbortController()
      const text = []
      for await (const part of await streamed(once, { model: 'endless' }, { signal: controller.signal })) {
        if (part === undefined) continue
        text.push(part)
        controller.abort()
      }
      return text
    },
    abortBody: () => {
      const controller = new AbortController()
      const slow = open({ fetch: watched(fetch, () => controller.abort()), origin, maxRetries: 0 })
      return create(slow, { model: 'headers' }, { signal: controller.signal })
    },
    timeout: () => create(once, { model: 'silent' }, { timeout: 50 }),
    refused: () => textOf(open({ fetch, origin: none, maxRetries: 0 })),
    ...(isNew && {
      tools: async () => (await create(ai, { tools })).content[0].input.city,
      upload: async () => (await ai.beta.files.upload({ file: await toFile(Buffer.from(large), 'data.txt') })).id,
    }),
    ...(isNew &&
      own && {
        fetchOptions: async () => {
          const seen = []
          const interceptor = (request, next) => {
            seen.push(request.method)
            return next(request)
          }
          await textOf(open({ fetch, origin, fetchOptions: { unshard: { interceptors: [interceptor] } } }))
          return seen
        },
        ownDispatcher: () => textOf(open({ fetch, origin, fetchOptions: { dispatcher: new Dispatcher({ client }) } })),
      }),
  }
}

await run({ checks, host: ({ fetch, origin }) => textOf(open({ fetch, origin })) })
