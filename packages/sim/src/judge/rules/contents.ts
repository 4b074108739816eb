/** A response that is reported as complete is complete. */

import type { Environment } from '../../world/environment.js'

export function judgeContents({ ledger }: Environment): void {
  for (const { script, outcome, arrivals } of ledger.records.values()) {
    if (outcome === undefined || !outcome.complete || outcome.status !== 200) continue
    const { id, bytes, parts = 1, lies = false } = script
    // Content that ends with the connection cannot be told from a part of it (RFC 9112 §8).
    if (arrivals.some(({ server }) => server === 'old')) continue
    if (lies && parts === 1) ledger.find('truncated', 'a response shorter than its content-length was reported as complete', id)
    else if (outcome.bytes !== bytes * parts) {
      ledger.find('truncated', `${outcome.bytes} of ${bytes * parts} bytes were reported as complete`, id)
    }
  }
}
