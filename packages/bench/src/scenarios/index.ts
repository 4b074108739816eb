/** Every scenario by name, in the order in which they run. */

import type { Scenario } from './scenario.js'
import { smallGet } from './small-get.js'

export const scenarios: ReadonlyMap<string, Scenario> = new Map([smallGet].map((scenario) => [scenario.name, scenario]))
