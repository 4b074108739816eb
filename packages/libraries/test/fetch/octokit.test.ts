/** Octokit over our `fetch`: the newest version, and an older one. */

import { testWorld } from '@unshard/testkit'
import { casesOf, runFamily, TIMEOUT_MS } from './fixture.js'
import { digest, UPLOAD } from './servers/answers.js'
import { githubServer } from './servers/octokit.js'

const world = testWorld()

const COMMON = {
  get: ['hello-world', 200, 'r1', 'https://a.test.example/repos/o/r'],
  post: 'Über',
  graphql: 'ada',
  graphqlError: { error: expect.stringMatching(/^GraphqlResponseError: .*no such field/s) },
  upload: digest(UPLOAD),
  uploadOfStream: digest(UPLOAD),
  download: UPLOAD.length,
  stream: UPLOAD.length,
  noContent: 204,
  notModified: { error: 'RequestError 304: Not modified' },
  redirected: 'hello-world',
  missing: { error: 'RequestError 404: Not Found - https://docs.example/' },
  errorText: { error: 'RequestError 502: bad gateway' },
  // HTTP/2 has no status text; with the option it is that of the registry.
  head: { error: 'RequestError 404: ' },
  headWithText: { error: 'RequestError 404: Not Found' },
  failedOnce: 'hello-world',
  abortWhileWaiting: { error: expect.stringMatching(/^DOMException(?: 500)?: This operation was aborted/) },
  // It ignores errors of the content.
  abortBody: '',
}
const REFUSED = 'cannot connect to port PORT: 127.0.0.1: connect ECONNREFUSED 127.0.0.1:PORT (https://a.test.example:PORT)'
const EXPECTED: Readonly<Record<string, object>> = {
  '@octokit/core': { ...COMMON, refused: { error: `RequestError 500 ECONNREFUSED: ${REFUSED}` } },
  '@octokit/core-5': { ...COMMON, refused: { error: `RequestError 500: ${REFUSED}` } },
}

it.each(casesOf(Object.keys(EXPECTED)))(
  '$name works over our fetch, on Node.js $major',
  async (each) => {
    // The message of the cause is longer than that of the built-in.
    expect(await runFamily(world, 'octokit', each, githubServer(), ['head', 'refused'])).toEqual(EXPECTED[each.name])
  },
  TIMEOUT_MS,
)
