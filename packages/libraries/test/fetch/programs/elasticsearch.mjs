/**
 * Checks of the client of Elasticsearch: `elasticsearch.mjs @elastic/elasticsearch|@elastic/elasticsearch-8`. It takes no `fetch`, but a
 * dispatcher of undici, and the old version an agent of node:http. Compared with its own connections.
 */

import { Dispatcher } from 'unshard'
import { createAgent } from 'unshard/http'
import { run, client as shared } from './harness.mjs'
import { aborted } from './shared-checks.mjs'

const [name] = process.argv.slice(2)
const { Client, HttpConnection } = await import(name)
const isOld = name === '@elastic/elasticsearch-8'

const agent = createAgent(shared)
const door = isOld ? { Connection: HttpConnection, agent: () => agent } : { agent: () => new Dispatcher({ client: shared }) }

/** @param fetch the built-in one means the client's own connections. */
function open({ fetch, origin, ...options }) {
  return new Client({ node: origin, ...(fetch !== globalThis.fetch && door), maxRetries: 0, auth: { apiKey: 'key' }, ...options })
}

function checks({ fetch, origin, none }) {
  const elastic = open({ fetch, origin })
  return {
    search: async () => {
      const { hits } = await elastic.search({ index: 'books', query: { match: { title: 'über' } } })
      return hits.hits.map(({ _source }) => _source.title)
    },
    index: async () => (await elastic.index({ index: 'books', id: '1', document: { title: 'Über' } })).result,
    bulk: async () => {
      const datasource = Array.from({ length: 1_000 }, (_, i) => ({ title: `book ${i}` }))
      const { successful, failed } = await elastic.helpers.bulk({
        datasource,
        onDocument: () => ({ index: { _index: 'books' } }),
      })
      return [successful, failed]
    },
    exists: async () => [
      await elastic.exists({ index: 'books', id: '1' }),
      await elastic.exists({ index: 'books', id: 'missing' }),
    ],
    stream: async () => {
      let bytes = 0
      for await (const part of await elastic.search({ index: 'large' }, { asStream: true })) bytes += part.length
      return bytes
    },
    compressed: async () =>
      (await open({ fetch, origin, compression: true }).index({ index: 'books', document: { title: 'packed' } })).result,
    // The connections stay open for others.
    closed: async () => {
      const other = open({ fetch, origin })
      await other.search({ index: 'books' })
      await other.close()
      return elastic.exists({ index: 'books', id: '1' })
    },
    error: () => elastic.search({ index: 'missing' }),
    errorText: () => elastic.search({ index: 'text' }),
    failedOnce: async () => (await open({ fetch, origin, maxRetries: 1 }).search({ index: 'failing' })).hits.hits.length,
    abortWhileWaiting: () => aborted((signal) => elastic.search({ index: 'silent' }, { signal })),
    timeout: () => elastic.search({ index: 'silent' }, { requestTimeout: 50 }),
    cut: () => elastic.search({ index: 'cut' }),
    refused: () => open({ fetch, origin: none }).search({ index: 'books' }),
  }
}

await run({
  checks,
  host: async ({ fetch, origin }) => (await open({ fetch, origin }).search({ index: 'books' })).hits.hits.length,
})
