/** The `fetch` that people import: one client for the process, made with the first request, that coalesces. */

import { coalescing } from '@unshard/coalescing'
import { Client } from '@unshard/core'
import { resolveDefaults } from './defaults.js'
import { type Fetch, makeFetch } from './fetch.js'

let client: Client | undefined

function clientOfProcess(): Client {
  client ??= new Client({ reuse: coalescing() })
  return client
}

/** Fetches as the built-in one does, over few connections. */
export const fetch: Fetch = makeFetch(clientOfProcess, resolveDefaults({}))
