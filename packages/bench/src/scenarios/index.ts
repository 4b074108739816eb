/** Every scenario by name, in the order in which they run. */

import { builtinOverDispatcher } from './builtin-over-dispatcher.js'
import { json10k } from './json-10k.js'
import type { Scenario } from './scenario.js'
import { smallGet } from './small-get.js'

export const scenarios: ReadonlyMap<string, Scenario> = new Map(
  [smallGet, json10k, builtinOverDispatcher].map((scenario) => [scenario.name, scenario]),
)
