/**
 * Small GETs over HTTP/1.1: the cost of our layer above undici's wire code for servers without
 * HTTP/2.
 */

import { undici8RequestH1, undiciRequestH1 } from '../competitors/undici.js'
import { unshardRequestH1 } from '../competitors/unshard-request.js'
import type { Scenario } from './scenario.js'

export const http1Fallback: Scenario = {
  name: 'http1-fallback',
  title: 'GET of 6 bytes over HTTP/1.1, 100 in flight, 50 connections',
  path: '/small.txt',
  text: 'hello\n',
  inFlight: 100,
  competitors: [unshardRequestH1, undiciRequestH1, undici8RequestH1],
  baselines: [undiciRequestH1.name],
  marks: [{ name: unshardRequestH1.name, baseline: undiciRequestH1.name, atLeast: 0.85 }],
}
