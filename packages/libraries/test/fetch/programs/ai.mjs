/** Checks of the AI SDK with its provider of OpenAI: `ai.mjs ai|ai-5`. */

import { createFetch } from 'unshard'
import { z } from 'zod'
import { client, joined, run, watched } from './harness.mjs'
import { aborted } from './shared-checks.mjs'

const [name] = process.argv.slice(2)
const { experimental_transcribe: transcribe, generateText, stepCountIs, streamText, tool } = await import(name)
const { createOpenAI } = await import(name === 'ai' ? '@ai-sdk/openai' : '@ai-sdk/openai-2')

// Warnings about models that it does not know.
globalThis.AI_SDK_LOG_WARNINGS = false

const open = ({ fetch, origin }) => createOpenAI({ apiKey: 'sk-1', baseURL: `${origin}/v1`, fetch })
const prompt = 'Hello'
const weather = tool({
  description: 'the weather of a city',
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `sunny in ${city}`,
})

/** Errors of a stream are parts of it. */
async function streamed(options) {
  const { fullStream } = streamText({ prompt, maxRetries: 0, onError() {}, ...options })
  return joined(textsOf(fullStream))
}

async function* textsOf(parts) {
  for await (const part of parts) {
    if (part.type === 'text-delta') yield part.text
    if (part.type === 'error') throw part.error
  }
}

function checks({ fetch, origin, none, own }) {
  const openai = open({ fetch, origin })
  const textOf = async (model, options) => (await generateText({ model, prompt, ...options })).text
  return {
    chat: () => textOf(openai.chat('m')),
    chatStream: () => streamed({ model: openai.chat('m') }),
    tools: () => textOf(openai.chat('m'), { tools: { weather }, stopWhen: stepCountIs(3) }),
    transcription: async () => {
      const audio = Buffer.from('unsharded '.repeat(50_000))
      return (await transcribe({ model: openai.transcription('whisper-1'), audio })).text
    },
    wrongRequest: () => textOf(openai.chat('wrong'), { maxRetries: 0 }),
    errorText: () => textOf(openai.chat('text'), { maxRetries: 0 }),
    errorOfStream: () => streamed({ model: openai.chat('wrong') }),
    rateLimitedOnce: () => textOf(openai.chat('limited'), { maxRetries: 1 }),
    failedOnce: () => textOf(openai.chat('failing'), { maxRetries: 1 }),
    cutOff: () => streamed({ model: openai.chat('cut') }),
    abortWhileWaiting: () => aborted((abortSignal) => textOf(openai.chat('silent'), { abortSignal, maxRetries: 0 })),
    abortWhileStreaming: async () => {
      const controller = new AbortController()
      const { fullStream } = streamText({ model: openai.chat('endless'), prompt, abortSignal: controller.signal })
      const seen = []
      for await (const part of fullStream) {
        seen.push(part.type)
        if (part.type === 'text-delta') controller.abort()
      }
      return seen.at(-1)
    },
    abortBody: () => {
      const controller = new AbortController()
      const slow = open({ fetch: watched(fetch, () => controller.abort()), origin })
      return textOf(slow.chat('headers'), { abortSignal: controller.signal, maxRetries: 0 })
    },
    refused: () => textOf(open({ fetch, origin: none }).chat('m'), { maxRetries: 0 }),
    ...(own && {
      errorWithText: () =>
        textOf(open({ fetch: createFetch(client, { registeredStatusText: true }), origin }).chat('text'), { maxRetries: 0 }),
    }),
  }
}

const host = async ({ fetch, origin }) => (await generateText({ model: open({ fetch, origin }).chat('m'), prompt })).text
await run({ checks, host })
