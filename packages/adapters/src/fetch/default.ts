/** The default `fetch`: one coalescing client per process, created with the first request. */

import { coalescing } from '@unshard/coalescing'
import { Client } from '@unshard/core'
import { resolveDefaults } from './defaults.js'
import { type Fetch, makeFetch } from './fetch.js'

let client: Client | undefined

/** The client of the default `fetch`. */
export function clientOfProcess(): Client {
  client ??= new Client({ reuse: coalescing() })
  return client
}

/** Like the built-in `fetch`, over few connections. */
export const fetch: Fetch = makeFetch(clientOfProcess, resolveDefaults({}))
