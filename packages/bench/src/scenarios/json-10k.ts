/** JSON of 10 kB, 100 in flight: the typical use of `fetch`. Includes reading and parsing. */

import { builtInFetchJson, RIGHT_ITEMS, undiciFetchJson, unshardFetchJson } from '../competitors/fetch-json.js'
import type { Scenario } from './scenario.js'

export const json10k: Scenario = {
  name: 'json-10k',
  title: 'fetch(url).json() of 10 kB, 100 in flight',
  path: '/10k.json',
  text: RIGHT_ITEMS,
  inFlight: 100,
  competitors: [unshardFetchJson, undiciFetchJson, builtInFetchJson],
  baselines: [undiciFetchJson.name, builtInFetchJson.name],
  marks: [{ name: unshardFetchJson.name, baseline: builtInFetchJson.name, atLeast: 5 }],
}
