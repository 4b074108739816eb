/** The SDK of Anthropic over our `fetch`: the newest version, and the oldest that is still used. */

import { testWorld } from '@unshard/testkit'
import { casesOf, runFamily, TIMEOUT_MS } from './fixture.js'
import { digest, UPLOAD } from './servers/answers.js'
import { anthropicServer } from './servers/anthropic.js'

const world = testWorld()

const COMMON = {
  create: 'Hi there',
  stream: 'Hi there',
  streamHelper: 'Hi there',
  response: [200, 'r1'],
  wrongRequest: { error: expect.stringMatching(/^BadRequestError 400: 400 .*"message":"no such model"/) },
  errorText: { error: 'NotFoundError 404: 404 nothing here' },
  rateLimitedOnce: 'Hi there',
  overloadedOnce: 'Hi there',
  cutOff: { error: 'TypeError: terminated' },
  abortWhileWaiting: { error: 'APIUserAbortError: Request was aborted.' },
  abortWhileStreaming: ['Hi '],
  abortBody: { error: 'DOMException: This operation was aborted' },
  timeout: { error: 'APIConnectionTimeoutError: Request timed out.' },
  refused: { error: 'APIConnectionError ECONNREFUSED: Connection error.' },
}
const EXPECTED: Readonly<Record<string, object>> = {
  '@anthropic-ai/sdk': {
    ...COMMON,
    tools: 'Oslo',
    upload: `data.txt ${digest(UPLOAD)}`,
    failsMidway: { error: expect.stringMatching(/^APIError: .*overloaded/) },
    fetchOptions: ['POST'],
    ownDispatcher: 'Hi there',
  },
  '@anthropic-ai/sdk-0': { ...COMMON, failsMidway: { error: 'APIConnectionError: Connection error.' } },
}

it.each(casesOf(Object.keys(EXPECTED)))(
  '$name works over our fetch, on Node.js $major',
  async (each) => {
    expect(await runFamily(world, 'anthropic', each, anthropicServer())).toEqual(EXPECTED[each.name])
  },
  TIMEOUT_MS,
)
