/** Clients of GraphQL over our `fetch`: the newest version, and an older one. */

import { testWorld } from '@unshard/testkit'
import { casesOf, runFamily, TIMEOUT_MS } from './fixture.js'
import { UPLOAD } from './servers/answers.js'
import { graphqlServer } from './servers/graphql.js'

const world = testWorld()

const COMMON = { query: 'Ada', mutation: 'Über', upload: UPLOAD.length }
const ABORTED = 'This operation was aborted'
const URQL = {
  ...COMMON,
  error: { error: 'CombinedError 200: [GraphQL] no such field' },
  // Over HTTP/1.1 the message is the status text, which HTTP/2 does not have.
  status: { error: 'CombinedError 503: [Network] come back later' },
  cut: { error: 'CombinedError 200: [Network] terminated' },
  refused: { error: 'CombinedError ECONNREFUSED: [Network] fetch failed' },
  unsubscribed: true,
  deferred: [{ deferred: { name: 'Ada' } }, { deferred: { name: 'Ada', age: 36 } }],
  subscription: [{ ticks: 1 }, { ticks: 2 }, { ticks: 3 }],
  file: expect.stringMatching(/^data.txt 7 /),
}
const REQUEST = {
  ...COMMON,
  error: { error: expect.stringMatching(/^ClientError 200: no such field/) },
  status: { error: expect.stringMatching(/^ClientError 503: GraphQL Error \(Code: 503\)/) },
  abortWhileWaiting: { error: `DOMException: ${ABORTED}` },
  abortBody: { error: `DOMException: ${ABORTED}` },
  cut: { error: 'TypeError: terminated' },
  refused: { error: 'TypeError ECONNREFUSED: fetch failed' },
}
const EXPECTED: Readonly<Record<string, object>> = {
  '@apollo/client': {
    ...REQUEST,
    error: { error: 'CombinedGraphQLErrors: no such field' },
    status: { error: 'ServerError 503: Response not successful: Received status code 503' },
  },
  '@apollo/client-3': {
    ...COMMON,
    error: { error: 'ApolloError: no such field' },
    status: { error: 'ApolloError: Response not successful: Received status code 503' },
    abortWhileWaiting: { error: `ApolloError: ${ABORTED}` },
    abortBody: { error: `ApolloError: ${ABORTED}` },
    cut: { error: 'ApolloError: terminated' },
    refused: { error: 'ApolloError ECONNREFUSED: fetch failed' },
  },
  '@urql/core': URQL,
  '@urql/core-4': URQL,
  'graphql-request': REQUEST,
  'graphql-request-6': REQUEST,
}

it.each(casesOf(Object.keys(EXPECTED)))(
  '$name works over our fetch, on Node.js $major',
  async (each) => {
    const differs = each.name.startsWith('@urql') ? ['status'] : []
    expect(await runFamily(world, 'graphql', each, graphqlServer(), differs)).toEqual(EXPECTED[each.name])
  },
  TIMEOUT_MS,
)
