/** The client of Elasticsearch over our dispatcher, and an older one over our agent. */

import { testWorld } from '@unshard/testkit'
import { casesOf, runFamily, TIMEOUT_MS } from './fixture.js'
import { UPLOAD } from './servers/answers.js'
import { elasticServer } from './servers/elasticsearch.js'

const world = testWorld()

const EXPECTED = {
  search: ['Über uns'],
  index: 'created',
  bulk: [1_000, 0],
  exists: [true, false],
  stream: UPLOAD.length,
  compressed: 'created',
  closed: true,
  error: { error: 'ResponseError 404: index_not_found_exception' },
  errorText: { error: 'ResponseError 502: bad gateway' },
  failedOnce: 1,
  abortWhileWaiting: { error: 'RequestAbortedError: Request aborted' },
  timeout: { error: 'TimeoutError: Request timed out' },
  cut: { error: expect.stringMatching(/^ConnectionError: /) },
  refused: { error: expect.stringMatching(/^ConnectionError: .*connect ECONNREFUSED/) },
}

it.each(casesOf(['@elastic/elasticsearch', '@elastic/elasticsearch-8'], ['@elastic/elasticsearch']))(
  '$name works over our connections, on Node.js $major',
  async (each) => {
    // The messages of these are our own.
    expect(await runFamily(world, 'elasticsearch', each, elasticServer(), ['cut', 'refused'])).toEqual(EXPECTED)
  },
  TIMEOUT_MS,
)
