export { coalescing } from './coalescing.js'
export type { CoalescingMode, CoalescingOptions } from './options.js'
export { type CoalescingReason, GRANT_REASONS, type GrantReason, REFUSAL_REASONS, type RefusalReason } from './reasons.js'
