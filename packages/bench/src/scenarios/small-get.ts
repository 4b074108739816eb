/**
 * Small GETs, 100 in flight, one TLS connection (HTTP/1.1 clients use their own number): the cost
 * of a request with minimal content.
 */

import { builtInFetch } from '../competitors/built-in-fetch.js'
import { h2load } from '../competitors/h2load.js'
import { http2Wrapper } from '../competitors/http2-wrapper.js'
import { nodeHttp2 } from '../competitors/node-http2.js'
import { POPULAR } from '../competitors/popular.js'
import {
  undici8RequestH1,
  undici8RequestH2,
  undiciFetchH2,
  undiciPipelining,
  undiciRequestH1,
  undiciRequestH2,
} from '../competitors/undici.js'
import { unshardFetch } from '../competitors/unshard-fetch.js'
import { unshardRequest } from '../competitors/unshard-request.js'
import type { Scenario } from './scenario.js'

const unshard = unshardRequest.name

export const smallGet: Scenario = {
  name: 'small-get',
  title: 'GET of 6 bytes, 100 in flight, one TLS connection',
  path: '/small.txt',
  // Content of testkit's external servers; importing testkit would cost every competitor's process.
  text: 'hello\n',
  inFlight: 100,
  competitors: [
    unshardRequest,
    unshardFetch,
    nodeHttp2,
    http2Wrapper,
    undiciRequestH2,
    undiciRequestH1,
    undiciPipelining,
    undici8RequestH2,
    undici8RequestH1,
    undiciFetchH2,
    builtInFetch,
    ...POPULAR,
    h2load,
  ],
  baselines: [nodeHttp2.name, builtInFetch.name],
  marks: [
    { name: unshard, baseline: h2load.name, cpuAtMost: 3 },
    { name: unshard, baseline: nodeHttp2.name, cpuAtMost: 1 / 10 },
    { name: unshard, baseline: undiciRequestH2.name, cpuAtMost: 1 / 20 },
    { name: unshard, baseline: undiciRequestH1.name, cpuAtMost: 1 / 8 },
    { name: unshard, baseline: h2load.name, atLeast: 0.6 },
    { name: unshard, baseline: nodeHttp2.name, atLeast: 7 },
    { name: unshardFetch.name, baseline: builtInFetch.name, atLeast: 12 },
    { name: unshardFetch.name, baseline: undiciFetchH2.name, atLeast: 15 },
    { name: unshard, delayBelowMs: 20 },
  ],
}
