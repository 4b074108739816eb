/** Small GETs one after the other: the cost of a request that cannot be batched with others. */

import { builtInFetch } from '../competitors/built-in-fetch.js'
import { h2load } from '../competitors/h2load.js'
import { nodeHttp2 } from '../competitors/node-http2.js'
import { undiciRequestH1, undiciRequestH2 } from '../competitors/undici.js'
import { unshardFetch } from '../competitors/unshard-fetch.js'
import { unshardRequest } from '../competitors/unshard-request.js'
import type { Scenario } from './scenario.js'

export const oneInFlight: Scenario = {
  name: 'one-in-flight',
  title: 'GET of 6 bytes, one after the other',
  path: '/small.txt',
  text: 'hello\n',
  inFlight: 1,
  competitors: [unshardRequest, unshardFetch, nodeHttp2, undiciRequestH2, undiciRequestH1, builtInFetch, h2load],
  baselines: [nodeHttp2.name, h2load.name],
  marks: [
    { name: unshardRequest.name, baseline: h2load.name, atLeast: 0.9 },
    { name: unshardRequest.name, baseline: nodeHttp2.name, atLeast: 1.8 },
  ],
}
