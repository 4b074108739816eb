/**
 * Small GETs with tracing by OpenTelemetry: what the spans of a client cost, and what is left of the
 * difference between clients.
 */

import {
  tracedBuiltInFetch,
  tracedUnshardFetch,
  tracedUnshardRequest,
  unshardRequestTracedAsUndici,
} from '../competitors/traced.js'
import { unshardRequest } from '../competitors/unshard-request.js'
import type { Scenario } from './scenario.js'

export const tracedGet: Scenario = {
  name: 'traced-get',
  title: 'GET of 6 bytes, 100 in flight, with spans and metrics of OpenTelemetry',
  path: '/small.txt',
  text: 'hello\n',
  inFlight: 100,
  competitors: [unshardRequest, unshardRequestTracedAsUndici, tracedUnshardRequest, tracedUnshardFetch, tracedBuiltInFetch],
  baselines: [tracedBuiltInFetch.name],
  marks: [
    { name: unshardRequestTracedAsUndici.name, baseline: tracedBuiltInFetch.name, atLeast: 4 },
    { name: tracedUnshardRequest.name, baseline: tracedBuiltInFetch.name, atLeast: 4 },
    { name: tracedUnshardFetch.name, baseline: tracedBuiltInFetch.name, atLeast: 4 },
  ],
}
