/** The `fetch` that people import: one client for the process, made with the first request, that coalesces. */

import { coalescing } from '@unshard/coalescing'
import { Client } from '@unshard/core'
import { createFetch, type Fetch } from './fetch.js'

let send: Fetch | undefined

/** Fetches as the built-in one does, over few connections. */
export const fetch: Fetch = (input, init) => {
  send ??= createFetch(new Client({ reuse: coalescing() }))
  return send(input, init)
}
