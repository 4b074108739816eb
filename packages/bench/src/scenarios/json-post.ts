/**
 * JSON in both directions, 100 in flight: what most programs do with `fetch`. Includes serializing
 * and parsing.
 */

import {
  builtInJsonPost,
  POSTED,
  RIGHT_ITEMS,
  undiciJsonPostH1,
  undiciJsonPostH2,
  unshardJsonPost,
  unshardRequestJsonPost,
} from '../competitors/json-post.js'
import type { Scenario } from './scenario.js'

export const jsonPost: Scenario = {
  name: 'json-post',
  title: `POST of ${POSTED} bytes of JSON, 11,558 bytes of JSON in the answer, 100 in flight`,
  path: '/10k.json',
  text: RIGHT_ITEMS,
  inFlight: 100,
  competitors: [unshardJsonPost, unshardRequestJsonPost, undiciJsonPostH1, undiciJsonPostH2, builtInJsonPost],
  baselines: [undiciJsonPostH1.name, builtInJsonPost.name],
  marks: [{ name: unshardJsonPost.name, baseline: undiciJsonPostH1.name, atLeast: 4 }],
}
