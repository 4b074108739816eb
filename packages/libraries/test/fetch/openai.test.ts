/** The SDK of OpenAI over our `fetch`: the newest version, and the oldest that is still used. */

import { testWorld } from '@unshard/testkit'
import { NODES } from '../nodes.js'
import { casesOf, runFamily, TIMEOUT_MS } from './fixture.js'
import { digest, UPLOAD } from './servers/answers.js'
import { openaiServer } from './servers/openai.js'

const world = testWorld()

const COMMON = {
  create: 'Hi there',
  stream: 'Hi there',
  tools: 'It is sunny in Oslo.',
  responses: 'Hi there',
  responsesStream: 'Hi there',
  upload: `batch data.jsonl ${digest(UPLOAD)}`,
  download: UPLOAD.length,
  response: [1, 200, 'r1', 'https://a.test.example/v1/models'],
  wrongRequest: { error: 'BadRequestError 400 model_not_found: 400 no such model' },
  errorText: { error: 'NotFoundError 404: 404 nothing here' },
  rateLimitedOnce: 'Hi there',
  failedOnce: 'Hi there',
  failsMidway: { error: 'APIError: overloaded' },
  cutOff: { error: 'TypeError: terminated' },
  abortWhileWaiting: { error: 'APIUserAbortError: Request was aborted.' },
  abortWhileStreaming: ['Hi '],
  breakStream: 'Hi ',
  timeout: { error: 'APIConnectionTimeoutError: Request timed out.' },
  refused: { error: 'APIConnectionError ECONNREFUSED: Connection error.' },
}
const EXPECTED: Readonly<Record<string, object>> = {
  openai: {
    ...COMMON,
    uploadOfStream: `batch unshard-upload-.jsonl ${digest(UPLOAD)}`,
    abortBody: { error: 'APIUserAbortError: Request was aborted.' },
    fetchOptions: ['POST'],
    ownDispatcher: 'Hi there',
    otherDispatcher: { error: 'APIConnectionError: Connection error.' },
  },
  'openai-4': {
    ...COMMON,
    // Its forms for the web take no Node stream.
    uploadOfStream: { error: expect.stringMatching(/^TypeError: Received null/) },
    abortBody: { error: 'DOMException: This operation was aborted' },
  },
}

// One library also runs on the newest Node.js: what differs there is our fetch and the built-in one, not libraries.
const newest = NODES.slice(-1).map((node) => ({ name: 'openai', node, major: node.major }))
const cases = [...casesOf(Object.keys(EXPECTED), ['openai']), ...newest.filter(({ major }) => major > 24)]

it.each(cases)(
  '$name works over our fetch, on Node.js $major',
  async (each) => {
    expect(await runFamily(world, 'openai', each, openaiServer())).toEqual(EXPECTED[each.name])
  },
  TIMEOUT_MS,
)
