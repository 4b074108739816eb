/**
 * Large responses, four in flight: read in one piece, as most programs do, or piece by piece
 * without keeping them.
 */

import { builtInFetch } from '../competitors/built-in-fetch.js'
import { curl } from '../competitors/curl.js'
import { h2load } from '../competitors/h2load.js'
import { nodeHttp2 } from '../competitors/node-http2.js'
import { undici8RequestH2, undiciRequestH1, undiciRequestH2 } from '../competitors/undici.js'
import { unshardFetch } from '../competitors/unshard-fetch.js'
import { unshardRequest } from '../competitors/unshard-request.js'
import { CONTENT_TEXT, LARGE_BYTES, LARGE_PATH } from './contents.js'
import type { Scenario } from './scenario.js'

const large = {
  path: LARGE_PATH,
  text: CONTENT_TEXT,
  bytes: LARGE_BYTES,
  movedBytes: LARGE_BYTES,
  leastSeconds: 4,
  inFlight: 4,
} as const

export const download: Scenario = {
  ...large,
  name: 'download',
  title: '10 MB in one piece, 4 in flight',
  reading: 'bytes',
  competitors: [
    unshardRequest,
    unshardFetch,
    nodeHttp2,
    undiciRequestH2,
    undiciRequestH1,
    undici8RequestH2,
    builtInFetch,
    h2load,
    curl,
  ],
  baselines: [undiciRequestH1.name, h2load.name],
  marks: [
    { name: unshardRequest.name, baseline: undiciRequestH1.name, atLeast: 1 },
    { name: unshardRequest.name, baseline: undiciRequestH2.name, atLeast: 1.3 },
  ],
}

export const loopDelay: Scenario = {
  ...large,
  name: 'loop-delay',
  title: '10 MB read piece by piece, 4 in flight: CPU time, and how long everything else has to wait',
  reading: 'stream',
  competitors: [unshardRequest, nodeHttp2, undiciRequestH2, undiciRequestH1],
  baselines: [undiciRequestH1.name],
  marks: [
    { name: unshardRequest.name, baseline: undiciRequestH1.name, cpuAtMost: 1 },
    { name: unshardRequest.name, delayBelowMs: 20 },
  ],
}
