/** ofetch over our `fetch`: the newest version, and an older one. */

import { testWorld } from '@unshard/testkit'
import { casesOf, runFamily, TIMEOUT_MS } from './fixture.js'
import { digest, UPLOAD } from './servers/answers.js'
import { plainServer } from './servers/plain.js'

const world = testWorld()

const COMMON = {
  get: [3, 200, 'r1'],
  post: { method: 'POST', search: '', body: '{"a":1}' },
  put: { method: 'PUT', search: '?n=1', body: 'text' },
  form: { name: 'Ada', file: `data.txt ${digest(UPLOAD)}` },
  uploadBytes: { content: digest(UPLOAD) },
  uploadStream: { content: digest(UPLOAD) },
  bytes: UPLOAD.length,
  redirected: ['Ada', 'Grace', 'Joan'],
  errorData: { error: { message: 'nothing here' } },
  failedOnce: ['Ada', 'Grace', 'Joan'],
  abortBody: { error: 'DOMException: This operation was aborted' },
  cut: { error: 'TypeError: terminated' },
}
const EXPECTED: Readonly<Record<string, object>> = {
  ofetch: {
    ...COMMON,
    stream: UPLOAD.length,
    missing: { error: 'FetchError 404: [GET] "https://a.test.example:PORT/missing": 404 ' },
    missingWithText: { error: 'FetchError 404: [GET] "https://a.test.example:PORT/missing": 404 Not Found' },
    abortWhileWaiting: {
      error: 'FetchError: [GET] "https://a.test.example:PORT/silent": <no response> This operation was aborted',
    },
    timeout: { error: expect.stringMatching(/^FetchError: .* \[TimeoutError\]: The operation was aborted due to timeout/) },
    refused: { error: 'FetchError ECONNREFUSED: [GET] "https://a.test.example:PORT": <no response> fetch failed' },
  },
  'ofetch-1.0': {
    ...COMMON,
    missing: { error: 'FetchError 404:  (404  (https://a.test.example:PORT/missing))' },
    missingWithText: { error: 'FetchError 404:  (404 Not Found (https://a.test.example:PORT/missing))' },
    abortWhileWaiting: { error: 'FetchError: This operation was aborted (https://a.test.example:PORT/silent)' },
    refused: { error: 'FetchError: fetch failed (https://a.test.example:PORT)' },
  },
}

it.each(casesOf(Object.keys(EXPECTED)))(
  '$name works over our fetch, on Node.js $major',
  async (each) => {
    expect(await runFamily(world, 'ofetch', each, plainServer(), ['missing'])).toEqual(EXPECTED[each.name])
  },
  TIMEOUT_MS,
)
