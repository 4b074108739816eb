/** axios over our `fetch`: the newest version, and an older one. */

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
  stream: UPLOAD.length,
  progress: UPLOAD.length,
  missing: { error: 'AxiosError 404: Request failed with status code 404' },
  errorData: { error: { message: 'nothing here' } },
  cut: { error: 'AxiosError: terminated' },
  refused: { error: 'AxiosError ECONNREFUSED: Network Error' },
}
const EXPECTED: Readonly<Record<string, object>> = {
  axios: {
    ...COMMON,
    abortWhileWaiting: { error: 'CanceledError: This operation was aborted' },
    abortBody: { error: 'CanceledError: This operation was aborted' },
    timeout: { error: 'AxiosError ETIMEDOUT: timeout of 50ms exceeded' },
  },
  'axios-1.7': {
    ...COMMON,
    abortWhileWaiting: { error: 'AxiosError: This operation was aborted' },
    abortBody: { error: 'AxiosError: This operation was aborted' },
    timeout: { error: 'AxiosError ETIMEDOUT: timeout 50 of ms exceeded' },
  },
}

it.each(casesOf(Object.keys(EXPECTED)))(
  '$name works over our fetch, on Node.js $major',
  async (each) => {
    expect(await runFamily(world, 'axios', each, plainServer())).toEqual(EXPECTED[each.name])
  },
  TIMEOUT_MS,
)
