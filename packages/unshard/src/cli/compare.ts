/** Asks an origin over a shared connection and over its own, and says whether that is the same server: no rule can know it. */

import { createHash } from 'node:crypto'
import { coalescing } from '@unshard/coalescing'
import { Client } from '@unshard/core'
import type { CommandOptions } from './arguments.js'
import { clientOptions } from './client-options.js'

/** One answer. */
export interface Answer {
  readonly status: number
  /** SHA-256 of the content, hexadecimal. */
  readonly sha256: string
  readonly bytes: number
}

/**
 * `same`: it answers alike. `varies`: its own connection does not give the same content twice, so only the status was compared.
 * `misdirected`: 421, which a client minds by itself. `other-status`, `other-content`: behind that connection there is somebody else.
 * `failed`: there was no answer to compare.
 */
export type Outcome = 'same' | 'varies' | 'misdirected' | 'other-status' | 'other-content' | 'failed'

/** What an origin said on both. */
export interface Comparison {
  readonly origin: string
  /** The origin that the shared connection was made for. */
  readonly sharedWith: string
  readonly outcome: Outcome
  readonly own: Answer | undefined
  readonly shared: Answer | undefined
  readonly error?: string
}

/**
 * Compares for every origin that is not the first of its connection.
 * @param alone a client in which every origin has a connection of its own.
 */
export async function compare(
  alone: Client,
  connections: readonly (readonly string[])[],
  options: CommandOptions,
): Promise<Comparison[]> {
  const comparisons = connections.map(async ([first, ...others]) => {
    const together = new Client({ ...clientOptions(options), reuse: coalescing() })
    try {
      // The one that the connection is made for goes first; then one after the other, so that each 421 is that of its own request.
      await ask(together, first!, options).catch(() => undefined)
      const found: Comparison[] = []
      for (const origin of others) found.push(await compareOne(alone, together, origin, first!, options))
      return found
    } finally {
      await together.close({ graceMs: options.timeoutMs })
    }
  })
  return (await Promise.all(comparisons)).flat()
}

async function compareOne(
  alone: Client,
  together: Client,
  origin: string,
  sharedWith: string,
  options: CommandOptions,
): Promise<Comparison> {
  try {
    const own = await ask(alone, origin, options)
    const again = await ask(alone, origin, options)
    const before = together.stats().totals.misdirected
    const shared = await ask(together, origin, options)
    if (together.stats().totals.misdirected > before) {
      return { origin, sharedWith, outcome: 'misdirected', own: own.answer, shared: { status: 421, sha256: '', bytes: 0 } }
    }
    if (!shared.coalesced) throw new Error('it got a connection of its own this time')
    const outcome = outcomeOf(own.answer, again.answer, shared.answer)
    return { origin, sharedWith, outcome, own: own.answer, shared: shared.answer }
  } catch (error) {
    return { origin, sharedWith, outcome: 'failed', own: undefined, shared: undefined, error: (error as Error).message }
  }
}

function outcomeOf(own: Answer, again: Answer, shared: Answer): Outcome {
  if (own.status !== shared.status && again.status !== shared.status) return 'other-status'
  if (own.sha256 !== again.sha256 || own.status !== again.status) return 'varies'
  return own.sha256 === shared.sha256 ? 'same' : 'other-content'
}

async function ask(client: Client, origin: string, { path }: CommandOptions): Promise<{ answer: Answer; coalesced: boolean }> {
  const response = await client.request({ url: origin + path })
  const content = await response.bytes()
  const sha256 = createHash('sha256').update(content).digest('hex')
  return { answer: { status: response.status, sha256, bytes: content.length }, coalesced: response.connection.coalesced }
}
