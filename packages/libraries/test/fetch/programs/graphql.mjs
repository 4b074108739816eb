/** Checks of GraphQL clients: `graphql.mjs NAME`. Each has `send(query, options)`, which resolves with the data or rejects. */

import { parse } from 'graphql'
import { run, watched } from './harness.mjs'
import { aborted } from './shared-checks.mjs'

const [name] = process.argv.slice(2)
const isUrql = name.startsWith('@urql')

async function apollo({ fetch, origin }) {
  const { ApolloClient, HttpLink, InMemoryCache } = await import(
    name === '@apollo/client' ? name : '@apollo/client-3/core/index.js'
  )
  const link = new HttpLink({ uri: `${origin}/graphql`, fetch })
  const client = new ApolloClient({ link, cache: new InMemoryCache(), defaultOptions: { query: { fetchPolicy: 'no-cache' } } })
  return async (query, { variables, signal } = {}) => {
    const document = parse(query)
    const context = { fetchOptions: { signal } }
    const isMutation = query.startsWith('mutation')
    const { data } = await (isMutation
      ? client.mutate({ mutation: document, variables, context })
      : client.query({ query: document, variables, context }))
    return data
  }
}

async function urqlClient({ fetch, origin }) {
  const { Client, fetchExchange } = await import(name)
  const options = { requestPolicy: 'network-only', preferGetMethod: false, fetchSubscriptions: true }
  return new Client({ url: `${origin}/graphql`, fetch, exchanges: [fetchExchange], ...options })
}

async function urql({ fetch, origin }) {
  const client = await urqlClient({ fetch, origin })
  return async (query, { variables = {} } = {}) => {
    const method = query.startsWith('mutation') ? 'mutation' : 'query'
    const { data, error } = await client[method](query, variables).toPromise()
    if (error !== undefined) throw Object.assign(error, { cause: error.networkError?.cause, status: error.response?.status })
    return data
  }
}

async function graphqlRequest({ fetch, origin }) {
  const { GraphQLClient } = await import(name)
  const client = new GraphQLClient(`${origin}/graphql`, { fetch })
  return (document, { variables, signal } = {}) => client.request({ document, variables, signal })
}

const open = name.startsWith('@apollo') ? apollo : isUrql ? urql : graphqlRequest

function checks({ fetch, origin, none }) {
  const send = async (query, options) => (await open({ fetch, origin }))(query, options)
  const shown = (promise) => promise.then(({ user, add, size }) => user?.name ?? add?.name ?? size)
  return {
    query: () => shown(send('query ($id: Int) { user(id: $id) { name } }', { variables: { id: 1 } })),
    mutation: () => shown(send('mutation ($name: String) { add(name: $name) { name } }', { variables: { name: 'Über' } })),
    upload: () =>
      shown(send('query ($text: String) { size(text: $text) }', { variables: { text: 'unsharded '.repeat(50_000) } })),
    error: () => send('query { wrong }'),
    status: () => send('query { unavailable }'),
    ...(!isUrql && abortsOf(send, { fetch, origin })),
    cut: () => send('query { cut }'),
    refused: async () => (await open({ fetch, origin: none }))('query { user { name } }'),
    // Incremental delivery, and subscriptions over an event stream.
    ...(isUrql && {
      unsubscribed: () => unsubscribed({ fetch, origin }),
      deferred: () => urqlResults({ fetch, origin }, 'query { deferred { name ... @defer { age } } }', 'query'),
      subscription: () => urqlResults({ fetch, origin }, 'subscription { ticks }', 'subscription'),
      file: async () => {
        const file = new File(['content'], 'data.txt', { type: 'text/plain' })
        return (await send('mutation ($file: Upload) { upload(file: $file) }', { variables: { file } })).upload
      },
    }),
  }
}

function abortsOf(send, { fetch, origin }) {
  return {
    abortWhileWaiting: () => aborted((signal) => send('query { silent }', { signal })),
    abortBody: () => {
      const controller = new AbortController()
      const slow = watched(fetch, () => controller.abort())
      return open({ fetch: slow, origin }).then((sendSlowly) => sendSlowly('query { headers }', { signal: controller.signal }))
    },
  }
}

/** Its queries end when the last subscriber leaves: returns whether the request was aborted then. */
async function unsubscribed({ fetch, origin }) {
  const { pipe, subscribe } = await import('wonka')
  let signal
  const seeing = (url, init) => {
    signal = init.signal
    return fetch(url, init)
  }
  const client = await urqlClient({ origin, fetch: seeing })
  const { unsubscribe } = pipe(
    client.query('query { silent }', {}),
    subscribe(() => {}),
  )
  await new Promise(setImmediate)
  unsubscribe()
  await new Promise(setImmediate)
  return signal.aborted
}

/** Returns the data of each result. */
async function urqlResults({ fetch, origin }, query, method) {
  const { pipe, subscribe } = await import('wonka')
  const client = await urqlClient({ fetch, origin })
  const results = []
  return new Promise((resolve, reject) => {
    const source = client[method](query, {})
    pipe(
      source,
      subscribe(({ data, error, hasNext }) => {
        if (error !== undefined) return reject(error)
        results.push(data)
        if (hasNext === false || results.length === 3) resolve([...results])
      }),
    )
  })
}

const host = async ({ fetch, origin }) => (await (await open({ fetch, origin }))('query { user { name } }')).user.name
await run({ checks, host })
