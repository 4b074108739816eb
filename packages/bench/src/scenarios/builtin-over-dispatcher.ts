/**
 * The built-in fetch with our dispatcher: the same calls over its own connections and over ours.
 */

import { builtInFetch } from '../competitors/built-in-fetch.js'
import { builtInOverUnshard } from '../competitors/built-in-over-unshard.js'
import { undiciFetchH2 } from '../competitors/undici.js'
import type { Scenario } from './scenario.js'

export const builtinOverDispatcher: Scenario = {
  name: 'builtin-over-dispatcher',
  title: 'GET of 6 bytes, 100 in flight: the built-in fetch alone, and over our dispatcher',
  path: '/small.txt',
  text: 'hello\n',
  inFlight: 100,
  competitors: [builtInOverUnshard, builtInFetch, undiciFetchH2],
  baselines: [builtInFetch.name],
  marks: [],
}
