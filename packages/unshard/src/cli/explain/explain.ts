/** `unshard explain`: connects to the other origins and asks the client what a request would do. */

import { coalescing } from '@unshard/coalescing'
import { Client, type ExplainedCandidate, type Explanation, type WarmResult } from '@unshard/core'
import { type Connecting, clientOptions } from '../connecting.js'
import { warm } from '../warm.js'
import { sentenceOf } from './sentences.js'

/** A reason with its sentence; `undefined` for a reason of a user-supplied policy. */
export interface NamedReason {
  readonly because: string
  readonly sentence: string | undefined
}

/** One connection, with the verdict on it. */
export interface ReportedCandidate extends NamedReason {
  readonly connection: number | undefined
  readonly origin: string
  readonly addresses: readonly string[]
  readonly verdict: ExplainedCandidate['verdict']
}

/** An origin that was connected to first. */
export interface WarmedOrigin {
  readonly origin: string
  /** `undefined` if the origin cannot be reached. */
  readonly connection: number | undefined
  readonly error?: { readonly code: string; readonly message: string }
}

/** Result of the command. */
export interface ExplainReport extends NamedReason {
  readonly origin: string
  readonly addresses: readonly string[]
  readonly action: Explanation['action']
  /** The connection that a request would use. */
  readonly connection: { readonly id: number; readonly protocol: string; readonly remoteAddress: string | undefined } | undefined
  readonly candidates: readonly ReportedCandidate[]
  readonly warmed: readonly WarmedOrigin[]
  readonly exitCode: 0 | 2
}

/** Explains a request to `origin` once the `others` are connected. @throws ConnectError if the host cannot be resolved. */
export async function explain(origin: string, others: readonly string[], options: Connecting): Promise<ExplainReport> {
  const client = new Client({ ...clientOptions(options), reuse: coalescing() })
  try {
    const warmed = await warm(client, others, options)
    const explanation = await client.explain(origin)
    return reportOf(explanation, warmed)
  } finally {
    await client.close({ graceMs: options.timeoutMs })
  }
}

function reportOf(explanation: Explanation, warmed: readonly WarmResult[]): ExplainReport {
  const { origin, addresses, action, because, connection, candidates } = explanation
  const reported = candidates.map(({ connection, origin: from, addresses, verdict, because }) => ({
    ...{ connection, origin: from, addresses, verdict, because },
    sentence: sentenceOf(because, from, origin),
  }))
  const decisive = reported.find((each) => each.because === because)?.origin ?? 'the other origin'
  const { id, protocol, remoteAddress } = connection ?? {}
  return {
    ...{ origin, addresses, action, because, sentence: sentenceOf(because, decisive, origin) },
    connection: id === undefined ? undefined : { id, protocol: protocol!, remoteAddress },
    candidates: reported,
    warmed: warmed.map(warmedOrigin),
    exitCode: warmed.some(({ error }) => error !== undefined) ? 2 : 0,
  }
}

function warmedOrigin({ origin, connection, error }: WarmResult): WarmedOrigin {
  if (error === undefined) return { origin, connection: connection?.id }
  return {
    origin,
    connection: undefined,
    error: { code: (error as NodeJS.ErrnoException).code ?? 'ERR', message: error.message },
  }
}
