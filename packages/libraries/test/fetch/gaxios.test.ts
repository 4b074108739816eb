/** gaxios over our `fetch`: the newest version, and an older one. */

import { testWorld } from '@unshard/testkit'
import { casesOf, runFamily, TIMEOUT_MS } from './fixture.js'
import { digest, UPLOAD } from './servers/answers.js'
import { plainServer } from './servers/plain.js'

const world = testWorld()

const COMMON = {
  get: [3, 200, 'r1'],
  post: { method: 'POST', search: '', body: '{"a":1}' },
  put: { method: 'PUT', search: '?n=1', body: 'text' },
  uploadBytes: { content: digest(UPLOAD) },
  uploadStream: { content: digest(UPLOAD) },
  related: { parts: ['{"name":"data"}', 'content'] },
  bytes: UPLOAD.length,
  stream: UPLOAD.length,
  redirected: ['Ada', 'Grace', 'Joan'],
  failedOnce: ['Ada', 'Grace', 'Joan'],
  cut: { error: 'GaxiosError: terminated' },
}
const ABORTED = 'This operation was aborted'
const EXPECTED: Readonly<Record<string, object>> = {
  gaxios: {
    ...COMMON,
    form: { name: 'Ada', file: `data.txt ${digest(UPLOAD)}` },
    missing: { error: 'GaxiosError 404: nothing here' },
    abortWhileWaiting: { error: `GaxiosError AbortError: ${ABORTED}` },
    abortBody: { error: `GaxiosError AbortError: ${ABORTED}` },
    timeout: { error: 'GaxiosError TimeoutError: The operation was aborted due to timeout' },
    refused: { error: 'GaxiosError ECONNREFUSED: fetch failed' },
  },
  'gaxios-6': {
    ...COMMON,
    missing: { error: 'GaxiosError 404: Request failed with status code 404' },
    abortWhileWaiting: { error: `GaxiosError: ${ABORTED}` },
    abortBody: { error: `GaxiosError: ${ABORTED}` },
    refused: { error: 'GaxiosError: fetch failed' },
  },
}

it.each(casesOf(Object.keys(EXPECTED), ['gaxios']))(
  '$name works over our fetch, on Node.js $major',
  async (each) => {
    expect(await runFamily(world, 'gaxios', each, plainServer())).toEqual(EXPECTED[each.name])
  },
  TIMEOUT_MS,
)
