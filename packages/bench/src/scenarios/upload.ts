/**
 * Uploads of large contents, four in flight. nginx reads each to its end and discards it, whatever
 * the protocol.
 */

import { builtInFetch } from '../competitors/built-in-fetch.js'
import { curl } from '../competitors/curl.js'
import { nodeHttp2 } from '../competitors/node-http2.js'
import { undici8RequestH1, undiciRequestH1, undiciRequestH2 } from '../competitors/undici.js'
import { unshardFetch } from '../competitors/unshard-fetch.js'
import { unshardRequest } from '../competitors/unshard-request.js'
import { CONTENT_TEXT, LARGE_BYTES } from './contents.js'
import type { Scenario } from './scenario.js'

export const upload: Scenario = {
  name: 'upload',
  title: 'POST of 10 MB, 4 in flight',
  path: '/upload-counted',
  text: String(LARGE_BYTES),
  upload: { type: 'application/octet-stream', text: CONTENT_TEXT, bytes: LARGE_BYTES },
  movedBytes: LARGE_BYTES,
  minSeconds: 4,
  h2Server: 'nginx',
  inFlight: 4,
  competitors: [unshardRequest, unshardFetch, nodeHttp2, undiciRequestH2, undiciRequestH1, undici8RequestH1, builtInFetch, curl],
  baselines: [undiciRequestH1.name, nodeHttp2.name],
  marks: [
    { name: unshardRequest.name, baseline: undiciRequestH1.name, atLeast: 0.85 },
    { name: unshardRequest.name, baseline: nodeHttp2.name, atLeast: 1.5 },
  ],
}
