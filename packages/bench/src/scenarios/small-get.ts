/** Small GETs, 100 in flight, one TLS connection (HTTP/1.1 clients: theirs). What a request costs, with next to nothing in it. */

import { builtInFetch } from '../competitors/built-in-fetch.js'
import { h2load } from '../competitors/h2load.js'
import { http2Wrapper } from '../competitors/http2-wrapper.js'
import { nodeHttp2 } from '../competitors/node-http2.js'
import { undiciFetchH2 } from '../competitors/undici-fetch-h2.js'
import { undiciRequestH1 } from '../competitors/undici-request-h1.js'
import { undiciRequestH2 } from '../competitors/undici-request-h2.js'
import { unshardFetch } from '../competitors/unshard-fetch.js'
import { unshardRequest } from '../competitors/unshard-request.js'
import type { Scenario } from './scenario.js'

export const smallGet: Scenario = {
  name: 'small-get',
  title: 'GET of 6 octets, 100 in flight, one TLS connection',
  path: '/small.txt',
  // What testkit's external servers serve there; importing testkit for it would cost every competitor's process.
  text: 'hello\n',
  inFlight: 100,
  competitors: [
    unshardRequest,
    unshardFetch,
    nodeHttp2,
    http2Wrapper,
    undiciRequestH2,
    undiciRequestH1,
    undiciFetchH2,
    builtInFetch,
    h2load,
  ],
  baselines: [nodeHttp2.name, builtInFetch.name],
  marks: [
    { name: unshardRequest.name, baseline: nodeHttp2.name, atLeast: 5 },
    { name: unshardFetch.name, baseline: builtInFetch.name, atLeast: 8 },
  ],
}
