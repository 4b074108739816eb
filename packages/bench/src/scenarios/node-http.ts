/** Small GETs by clients with the interface of node:http: what requests, responses and events of that form cost. */

import { http2Wrapper } from '../competitors/http2-wrapper.js'
import { gotOverUnshard, nodeHttps, unshardAgent, unshardHttp } from '../competitors/node-http.js'
import { gotH2 } from '../competitors/popular.js'
import { unshardRequest } from '../competitors/unshard-request.js'
import type { Scenario } from './scenario.js'

export const nodeHttp: Scenario = {
  name: 'node-http',
  title: 'GET of 6 bytes by the interface of node:http, 100 in flight',
  path: '/small.txt',
  text: 'hello\n',
  inFlight: 100,
  competitors: [unshardRequest, unshardHttp, unshardAgent, nodeHttps, http2Wrapper, gotOverUnshard, gotH2],
  baselines: [nodeHttps.name, gotH2.name],
  marks: [
    { name: unshardHttp.name, baseline: nodeHttps.name, atLeast: 1 },
    { name: unshardHttp.name, baseline: http2Wrapper.name, atLeast: 1 },
    { name: gotOverUnshard.name, baseline: gotH2.name, atLeast: 1 },
  ],
}
