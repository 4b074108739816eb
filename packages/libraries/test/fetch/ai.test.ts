/** The AI SDK over our `fetch`: the newest version, and an older one. */

import { testWorld } from '@unshard/testkit'
import { casesOf, runFamily, TIMEOUT_MS } from './fixture.js'
import { digest, UPLOAD } from './servers/answers.js'
import { openaiServer } from './servers/openai.js'

const world = testWorld()

const EXPECTED = {
  chat: 'Hi there',
  chatStream: 'Hi there',
  tools: 'It is sunny in Oslo.',
  transcription: `audio.wav ${digest(UPLOAD)}`,
  wrongRequest: { error: 'APICallError 400: no such model' },
  // Its message is the status text, which HTTP/2 does not have.
  errorText: { error: 'APICallError 404: ' },
  errorWithText: { error: 'APICallError 404: Not Found' },
  errorOfStream: { error: 'APICallError 400: no such model' },
  rateLimitedOnce: 'Hi there',
  failedOnce: 'Hi there',
  cutOff: { error: 'APICallError 200: Failed to process successful response' },
  abortWhileWaiting: { error: 'DOMException: This operation was aborted' },
  abortWhileStreaming: 'abort',
  abortBody: { error: 'DOMException: This operation was aborted' },
  refused: { error: expect.stringMatching(/^APICallError ECONNREFUSED: Cannot connect to API: .*connect ECONNREFUSED/) },
}

it.each(casesOf(['ai', 'ai-5'], ['ai']))(
  '$name works over our fetch, on Node.js $major',
  async (each) => {
    expect(await runFamily(world, 'ai', each, openaiServer(), ['errorText', 'refused'])).toEqual(EXPECTED)
  },
  TIMEOUT_MS,
)
