/** What people install: the pieces, wired with good defaults. */

import { coalescing } from '@unshard/coalescing'
import { Client, type ClientOptions } from '@unshard/core'

/** A client that coalesces unless told otherwise. @throws UsageError naming an option that is unknown or out of range. */
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
