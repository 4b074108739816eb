/** The package to install: all parts, combined with sensible defaults. */

import { coalescing } from '@unshard/coalescing'
import { Client, type ClientOptions } from '@unshard/core'

/**
 * Creates a client that coalesces by default. @throws UsageError for an unknown option or a value
 * out of range.
 */
export function createClient(options: ClientOptions = {}): Client {
  return new Client({ reuse: coalescing(), ...options })
}

export * from '@unshard/adapters'
export {
  type CoalescingMode,
  type CoalescingOptions,
  type CoalescingReason,
  coalescing,
  GRANT_REASONS,
  type GrantReason,
  REFUSAL_REASONS,
  type RefusalReason,
} from '@unshard/coalescing'
export * from '@unshard/core'
