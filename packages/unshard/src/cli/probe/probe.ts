/**
 * `unshard probe`: opens one connection per origin, asks the policy about every pair, and with
 * `--send` compares the servers' responses too. A policy only knows what is safe to try; whether a
 * server serves the same host, only the server knows.
 */

import { coalescing } from '@unshard/coalescing'
import { Client, type Explanation, type ReusePolicy, type WarmResult } from '@unshard/core'
import { clientOptions } from '../connecting.js'
import { warm } from '../warm.js'
import { type Comparison, compare } from './compare.js'
import { type Configuration, configurationFor } from './configuration.js'
import type { ProbeOptions } from './options.js'

/** Findings for one origin. */
export interface ProbedOrigin {
  readonly origin: string
  readonly addresses: readonly string[]
  /** Protocol chosen by ALPN; `undefined` without a connection. */
  readonly protocol: 'h2' | 'http/1.1' | undefined
  /** Address of the connection. */
  readonly connectedTo: string | undefined
  /** The subjectAltName of the certificate. */
  readonly subjectAltName: string | undefined
  /** Origins that the server lists (RFC 8336); `undefined` without ORIGIN. */
  readonly originSet: readonly string[] | undefined
  readonly error?: { readonly code: string; readonly message: string }
}

/** Whether a connection made for `from` may carry requests for `to`. */
export interface Pair {
  readonly from: string
  readonly to: string
  readonly share: boolean
  readonly because: string
}

/** Result of the probe. */
export interface ProbeReport {
  readonly origins: readonly ProbedOrigin[]
  readonly pairs: readonly Pair[]
  /**
   * Groups of origins that one connection can serve, as few as possible; the first origin is the
   * one the connection is made for.
   */
  readonly connections: readonly (readonly string[])[]
  /** With `--send`: the compared responses. */
  readonly comparisons: readonly Comparison[] | undefined
  readonly configuration: Configuration
  readonly exitCode: 0 | 1 | 2
}

/** Probes all of `origins`. */
export async function probe(origins: readonly string[], options: ProbeOptions): Promise<ProbeReport> {
  const policy = new Witness()
  const client = new Client({ ...clientOptions(options), reuse: policy })
  try {
    const warmed = await warm(client, origins, options)
    policy.listening = true
    const explanations = await Promise.all(origins.map((origin) => client.explain(origin).catch(() => undefined)))
    const probed = warmed.map((result, i) => probedOrigin(client, result, explanations[i]))
    policy.listening = false
    const pairs = explanations.flatMap((explanation) => pairsOf(explanation))
    const connections = fewest(probed, pairs)
    const comparisons = options.send ? await compare(client, connections, options) : undefined
    const exitCode = exitCodeOf(probed, connections, comparisons)
    return { origins: probed, pairs, connections, comparisons, configuration: configurationFor(comparisons), exitCode }
  } finally {
    await client.close({ graceMs: options.timeoutMs })
  }
}

/** Gives every origin a dedicated connection first, and then reports the verdicts of coalescing. */
class Witness implements ReusePolicy {
  listening = false
  readonly #policy = coalescing()

  verdict(...question: Parameters<ReusePolicy['verdict']>): ReturnType<ReusePolicy['verdict']> {
    return this.listening ? this.#policy.verdict(...question) : { use: false, because: 'coalescing-off' }
  }

  misdirected(): void {
    // Nothing is shared here.
  }
}

function probedOrigin(client: Client, { origin, connection, error }: WarmResult, explanation?: Explanation): ProbedOrigin {
  const found = client.stats().connections.find(({ id }) => id === connection?.id)
  return {
    origin,
    addresses: explanation?.addresses ?? [],
    protocol: connection?.protocol,
    connectedTo: connection?.remoteAddress,
    subjectAltName: found?.subjectAltName,
    originSet: found?.originSet,
    ...(error === undefined ? {} : { error: { code: (error as NodeJS.ErrnoException).code ?? 'ERR', message: error.message } }),
  }
}

function pairsOf(explanation: Explanation | undefined): Pair[] {
  if (explanation === undefined) return []
  const { origin: to, candidates } = explanation
  return candidates
    .filter(({ verdict }) => verdict !== 'own')
    .map(({ origin: from, verdict, because }) => ({ from, to, share: verdict === 'use', because }))
}

/**
 * Assigns each origin to the first connection that may carry it, as a client does that meets the
 * origins in this order.
 */
function fewest(probed: readonly ProbedOrigin[], pairs: readonly Pair[]): string[][] {
  const connections: string[][] = []
  const sharing = new Set(pairs.filter(({ share }) => share).map(({ from, to }) => `${from} ${to}`))
  for (const { origin, protocol } of probed) {
    if (protocol === undefined) continue
    const shared = connections.find(([from]) => sharing.has(`${from} ${origin}`))
    if (shared === undefined) connections.push([origin])
    else shared.push(origin)
  }
  return connections
}

function exitCodeOf(
  probed: readonly ProbedOrigin[],
  connections: readonly unknown[],
  comparisons: readonly Comparison[] = [],
): ProbeReport['exitCode'] {
  if (probed.some(({ error }) => error !== undefined)) return 2
  return connections.length > 1 || comparisons.some(({ outcome }) => outcome !== 'same' && outcome !== 'varies') ? 1 : 0
}
