/** The pause that a response asks for: `retry-after` (RFC 9110 §10.2.3) and `ratelimit` (draft-ietf-httpapi-ratelimit-headers). */

import type { Clock, HttpResponse } from '@unshard/core'
import { retryAfterMs } from '@unshard/core/internal'

/** Returns how long the server asks to wait, in milliseconds; 0 if it does not. */
export function pauseMs({ status, headers }: HttpResponse, clock: Clock): number {
  const isLater = status === 429 || status === 503
  const retryMs = isLater ? retryAfterMs(headers.get('retry-after'), clock.wallNow()) : undefined
  return Math.max(retryMs ?? 0, exhaustedMs(headers.get('ratelimit') ?? ''))
}

/**
 * Returns the longest `t` of a quota whose `r` is 0 (draft-ietf-httpapi-ratelimit-headers), in milliseconds. Members that cannot be parsed
 * are ignored.
 */
function exhaustedMs(field: string): number {
  // Quoted names of quotas may contain separators.
  const unquoted = field
    .split('"')
    .filter((_, i) => i % 2 === 0)
    .join('')
  const times = unquoted.split(',').map((member) => {
    const parameters = new Map(member.split(';').map((each) => each.trim().split('=', 2) as [string, string | undefined]))
    const [left, seconds] = [parameters.get('r'), parameters.get('t')]
    return left === '0' && seconds !== undefined && /^\d{1,15}$/.test(seconds) ? Number(seconds) * 1_000 : 0
  })
  return Math.max(...times)
}
