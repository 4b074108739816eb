export { coalescing } from './coalescing.js'
export type { CoalescingOptions } from './options.js'
export { type CoalescingReason, GRANT_REASONS, REFUSAL_REASONS, type RefusalReason } from './reasons.js'
