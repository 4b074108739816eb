/**
 * Requests an origin over a shared and over a dedicated connection and compares the responses: no
 * rule can tell whether both reach the same server.
 */

import { createHash } from 'node:crypto'
import { coalescing } from '@unshard/coalescing'
import { Client } from '@unshard/core'
import { clientOptions } from '../connecting.js'
import type { ProbeOptions } from './options.js'

/** One response. */
export interface ComparedResponse {
  readonly status: number
  /** SHA-256 of the content, hexadecimal. */
  readonly sha256: string
  readonly bytes: number
}

/**
 * `same`: equal responses. `varies`: the dedicated connection returns different content each time,
 * so only the status was compared. `misdirected`: 421, which a client handles by itself.
 * `other-status`, `other-content`: another server answers on the shared connection. `failed`: no
 * response to compare.
 */
export type Outcome = 'same' | 'varies' | 'misdirected' | 'other-status' | 'other-content' | 'failed'

/** Responses of one origin on both connections. */
export interface Comparison {
  readonly origin: string
  /** Origin that the shared connection was made for. */
  readonly sharedWith: string
  readonly outcome: Outcome
  readonly own: ComparedResponse | undefined
  readonly shared: ComparedResponse | undefined
  readonly error?: string
}

/**
 * Compares every origin that is not the first of its connection.
 * @param dedicated client in which every origin has a dedicated connection.
 */
export async function compare(
  dedicated: Client,
  connections: readonly (readonly string[])[],
  options: ProbeOptions,
): Promise<Comparison[]> {
  const comparisons = connections.map(async ([first, ...others]) => {
    const sharing = new Client({ ...clientOptions(options), reuse: coalescing() })
    try {
      // The origin of the connection goes first, then the others one by one, so that each 421
      // belongs to its own request.
      await ask(sharing, first!, options).catch(() => undefined)
      const found: Comparison[] = []
      for (const origin of others) found.push(await compareOne(dedicated, sharing, origin, first!, options))
      return found
    } finally {
      await sharing.close({ graceMs: options.timeoutMs })
    }
  })
  return (await Promise.all(comparisons)).flat()
}

async function compareOne(
  dedicated: Client,
  sharing: Client,
  origin: string,
  sharedWith: string,
  options: ProbeOptions,
): Promise<Comparison> {
  try {
    const own = await ask(dedicated, origin, options)
    const repeated = await ask(dedicated, origin, options)
    const before = sharing.stats().totals.misdirected
    const shared = await ask(sharing, origin, options)
    if (sharing.stats().totals.misdirected > before) {
      return { origin, sharedWith, outcome: 'misdirected', own: own.response, shared: { status: 421, sha256: '', bytes: 0 } }
    }
    if (!shared.coalesced) throw new Error('the request used a dedicated connection this time')
    const outcome = outcomeOf(own.response, repeated.response, shared.response)
    return { origin, sharedWith, outcome, own: own.response, shared: shared.response }
  } catch (error) {
    return { origin, sharedWith, outcome: 'failed', own: undefined, shared: undefined, error: (error as Error).message }
  }
}

function outcomeOf(own: ComparedResponse, repeated: ComparedResponse, shared: ComparedResponse): Outcome {
  if (own.status !== shared.status && repeated.status !== shared.status) return 'other-status'
  if (own.sha256 !== repeated.sha256 || own.status !== repeated.status) return 'varies'
  return own.sha256 === shared.sha256 ? 'same' : 'other-content'
}

async function ask(
  client: Client,
  origin: string,
  { path }: ProbeOptions,
): Promise<{ response: ComparedResponse; coalesced: boolean }> {
  const response = await client.request({ url: origin + path })
  const content = await response.bytes()
  const sha256 = createHash('sha256').update(content).digest('hex')
  return { response: { status: response.status, sha256, bytes: content.length }, coalesced: response.connection.coalesced }
}
