/** ky over our `fetch`: the newest version, and an older one. */

import { testWorld } from '@unshard/testkit'
import { casesOf, runFamily, TIMEOUT_MS } from './fixture.js'
import { digest, UPLOAD } from './servers/answers.js'
import { plainServer } from './servers/plain.js'

const world = testWorld()

const ABORTED = { error: 'DOMException: This operation was aborted' }
const COMMON = {
  get: [3, 200, 'r1'],
  post: { method: 'POST', search: '', body: '{"a":1}' },
  put: { method: 'PUT', search: '?n=1', body: 'text' },
  form: { name: 'Ada', file: `data.txt ${digest(UPLOAD)}` },
  uploadBytes: { content: digest(UPLOAD) },
  uploadStream: { content: digest(UPLOAD) },
  bytes: UPLOAD.length,
  redirected: ['Ada', 'Grace', 'Joan'],
  stream: UPLOAD.length,
  progress: UPLOAD.length,
  hooks: { method: 'GET', search: '', body: '' },
  // With the built-in over HTTP/1.1 it has the phrase as well.
  missing: { error: 'HTTPError 404: Request failed with status code 404: GET https://a.test.example:PORT/missing' },
  failedOnce: ['Ada', 'Grace', 'Joan'],
  abortWhileWaiting: ABORTED,
  abortBody: ABORTED,
  timeout: { error: 'TimeoutError: Request timed out: GET https://a.test.example:PORT/silent' },
  cut: { error: 'TypeError: terminated' },
}
const NETWORK_ERROR = 'NetworkError ECONNREFUSED: Request failed due to a network error: GET https://a.test.example:PORT/'
const EXPECTED: Readonly<Record<string, object>> = {
  ky: { ...COMMON, refused: { error: NETWORK_ERROR }, refusedThenRetried: { error: NETWORK_ERROR } },
  'ky-1': {
    ...COMMON,
    refused: { error: 'TypeError ECONNREFUSED: fetch failed' },
    refusedThenRetried: { error: 'TypeError ECONNREFUSED: fetch failed' },
  },
}

it.each(casesOf(Object.keys(EXPECTED), ['ky']))(
  '$name works over our fetch, on Node.js $major',
  async (each) => {
    expect(await runFamily(world, 'ky', each, plainServer(), ['missing'])).toEqual(EXPECTED[each.name])
  },
  TIMEOUT_MS,
)
