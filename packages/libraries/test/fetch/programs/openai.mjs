/** Checks of the SDK of OpenAI: `openai.mjs openai|openai-4`. */

import { createReadStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Dispatcher } from 'unshard'
import { client, joined, run, watched } from './harness.mjs'

const [name] = process.argv.slice(2)
// Version 4 makes forms for node-fetch otherwise.
if (name === 'openai-4') await import('openai-4/shims/web')
const { default: OpenAI, toFile } = await import(name)
const messages = [{ role: 'user', content: 'Hello' }]
const large = 'unsharded '.repeat(50_000)
const path = join(tmpdir(), `unshard-upload-${process.pid}.jsonl`)
await writeFile(path, large)

const weather = {
  type: 'function',
  function: {
    name: 'weather',
    parse: JSON.parse,
    function: ({ city }) => `sunny in ${city}`,
    parameters: { type: 'object', properties: { city: { type: 'string' } } },
  },
}

const open = ({ fetch, origin, ...options }) => new OpenAI({ apiKey: 'sk-1', baseURL: `${origin}/v1`, fetch, ...options })
const textOf = async (ai, body) =>
  (await ai.chat.completions.create({ model: 'm', messages, ...body })).choices[0].message.content
const streamed = (ai, body, options) =>
  ai.chat.completions.create({ model: 'm', messages, stream: true, ...body }, options).then((stream) => deltas(stream))

async function* deltas(stream) {
  for await (const { choices } of stream) yield choices[0]?.delta?.content
}

function checks({ fetch, origin, none, own }) {
  const ai = open({ fetch, origin })
  const once = open({ fetch, origin, maxRetries: 0 })
  return {
    create: () => textOf(ai),
    stream: async () => joined(await streamed(ai)),
    tools: async () => {
      const runner = (ai.chat.completions.runTools === undefined ? ai.beta : ai).chat.completions.runTools({
        ...{ model: 'm', messages, tools: [weather] },
      })
      return runner.finalContent()
    },
    responses: async () => (await ai.responses.create({ model: 'm', input: 'Hello' })).output_text,
    responsesStream: async () => {
      const stream = await ai.responses.create({ model: 'm', input: 'Hello', stream: true })
      return joined(
        (async function* () {
          for await (const event of stream) if (event.type === 'response.output_text.delta') yield event.delta
        })(),
      )
    },
    upload: async () => (await ai.files.create({ file: await toFile(Buffer.from(large), 'data.jsonl'), purpose: 'batch' })).id,
    uploadOfStream: async () =>
      (await ai.files.create({ file: createReadStream(path), purpose: 'batch' })).id.replace(/\d+(?=\.jsonl)/, ''),
    download: async () => (await (await ai.files.content('f1')).text()).length,
    response: async () => {
      const { data, response } = await ai.models.list().withResponse()
      return [data.data.length, response.status, response.headers.get('x-request-id'), response.url.replace(/:\d+/, '')]
    },
    wrongRequest: () => textOf(once, { model: 'wrong' }),
    errorText: () => textOf(once, { model: 'text' }),
    rateLimitedOnce: () => textOf(ai, { model: 'limited' }),
    failedOnce: () => textOf(ai, { model: 'failing' }),
    failsMidway: async () => joined(await streamed(once, { model: 'midway' })),
    cutOff: async () => joined(await streamed(once, { model: 'cut' })),
    abortWhileWaiting: () => {
      const controller = new AbortController()
      const promise = once.chat.completions.create({ model: 'silent', messages }, { signal: controller.signal })
      setImmediate(() => controller.abort())
      return promise
    },
    abortWhileStreaming: async () => {
      const controller = new AbortController()
      const text = []
      for await (const part of await streamed(once, { model: 'endless' }, { signal: controller.signal })) {
        text.push(part)
        controller.abort()
      }
      return text
    },
    abortBody: () => {
      const controller = new AbortController()
      const slow = open({ fetch: watched(fetch, () => controller.abort()), origin, maxRetries: 0 })
      return slow.chat.completions.create({ model: 'headers', messages }, { signal: controller.signal })
    },
    breakStream: async () => {
      for await (const part of await streamed(once, { model: 'endless' })) return part
    },
    timeout: () => open({ fetch, origin, maxRetries: 0, timeout: 50 }).chat.completions.create({ model: 'silent', messages }),
    refused: () => textOf(open({ fetch, origin: none, maxRetries: 0 })),
    ...(own &&
      name !== 'openai-4' && {
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
        otherDispatcher: () => textOf(open({ fetch, origin, maxRetries: 0, fetchOptions: { dispatcher: { dispatch() {} } } })),
      }),
  }
}

await run({ checks, host: ({ fetch, origin }) => textOf(open({ fetch, origin })) })
