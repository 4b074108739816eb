/** All scenarios by name, in the order in which they run. */

import { builtinOverDispatcher } from './builtin-over-dispatcher.js'
import { download, loopDelay } from './download.js'
import { http1Fallback } from './http1-fallback.js'
import { json10k } from './json-10k.js'
import { jsonPost } from './json-post.js'
import { nodeHttp } from './node-http.js'
import { oneInFlight } from './one-in-flight.js'
import type { Scenario } from './scenario.js'
import { smallGet } from './small-get.js'
import { tracedGet } from './traced-get.js'
import { upload } from './upload.js'

const all: readonly Scenario[] = [
  smallGet,
  oneInFlight,
  jsonPost,
  json10k,
  download,
  loopDelay,
  upload,
  http1Fallback,
  nodeHttp,
  builtinOverDispatcher,
  tracedGet,
]

export const scenarios: ReadonlyMap<string, Scenario> = new Map(all.map((scenario) => [scenario.name, scenario]))
