export type { RedactOptions } from '../har/options.js'
export { type Inspection, inspect } from './inspect.js'
export type { InspectOptions, WaterfallPageOptions } from './options.js'
export { waterfallPage } from './waterfall-page.js'
