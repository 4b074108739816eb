export type { BodiesOptions, RecordHarOptions, RedactOptions } from './options.js'
export { type HarRecorder, recordHar } from './recorder.js'
