/** Runs many worlds, one after the other, and sums up. */

import { drawWorld } from '../draw/worlds.js'
import { type Comparison, compareSharing } from '../judge/compare.js'
import { realTime } from '../kernel/builtins.js'
import { Random } from '../kernel/random.js'
import type { Finding } from '../ledger/ledger.js'
import type { WorldScript } from '../script/script.js'
import { type RunResult, simulate } from './simulate.js'

/** Every so many worlds with sharing are run again without. */
const COMPARED_PART = 0.25

export interface SeedFinding extends Finding {
  readonly seed: number
  readonly world: string
}

/** The sum of many runs. */
export interface Summary {
  seeds: number
  requests: number
  simulatedMs: number
  faults: number
  /** Those of them that ran in worlds with real TLS. */
  realTlsSeeds: number
  realTlsRequests: number
  /** Real time within the worlds with modelled TLS, in milliseconds. */
  tookMs: number
  /** Over the hashes of all traces. */
  hash: string
  compared: number
  lostShared: number
  lostApart: number
  readonly findings: SeedFinding[]
}

export function emptySummary(): Summary {
  return {
    ...{ seeds: 0, requests: 0, simulatedMs: 0, faults: 0, hash: '' },
    ...{ realTlsSeeds: 0, realTlsRequests: 0, tookMs: 0 },
    ...{ compared: 0, lostShared: 0, lostApart: 0, findings: [] },
  }
}

/** Runs a world, and again without sharing if its seed says so. */
export async function runWorld(script: WorldScript, summary: Summary, verbose = false): Promise<RunResult> {
  const result = await simulate(script, { verbose })
  const comparison = isCompared(script)
    ? compareSharing(script, result.records, (await simulate(script, { sharing: false })).records)
    : undefined
  add(summary, script, result, comparison)
  return result
}

/** Everything that is found in a world. */
export async function findingsIn(script: WorldScript): Promise<readonly Finding[]> {
  const summary = emptySummary()
  await runWorld(script, summary)
  return summary.findings
}

/** Limits of a batch. */
export interface BatchLimits {
  readonly seed: number
  readonly seeds: number
  readonly simulatedMs: number
  readonly realMs: number
  /** Ends after the first seed with a finding. */
  readonly untilFinding?: boolean
  readonly world?: string | undefined
}

/** The worlds of a batch, in their order. */
export interface WorldSource {
  /** @param index of the world, from 0. */
  next(index: number): WorldScript
  /** Called when the world that `next` has returned is over. */
  onRun(script: WorldScript): void
}

/** One world for each seed. */
function drawnWorlds({ seed, world }: BatchLimits): WorldSource {
  return { next: (index) => drawWorld(seed + index, world), onRun: () => undefined }
}

type OnSeed = (script: WorldScript, findings: readonly SeedFinding[]) => void

/** @param onSeed called after each world. */
export async function runBatch(
  limits: BatchLimits,
  onSeed?: OnSeed,
  worlds: WorldSource = drawnWorlds(limits),
  run: (script: WorldScript, summary: Summary) => Promise<unknown> = runWorld,
): Promise<Summary> {
  const { seeds, simulatedMs, realMs, untilFinding = false } = limits
  const summary = emptySummary()
  const startedAt = realTime()
  for (let index = 0; index < seeds; index++) {
    if (summary.simulatedMs >= simulatedMs || realTime() - startedAt >= realMs) break
    const script = worlds.next(index)
    const before = summary.findings.length
    await run(script, summary)
    worlds.onRun(script)
    onSeed?.(script, summary.findings.slice(before))
    if (untilFinding && summary.findings.length > 0) break
  }
  return summary
}

function isCompared({ seed, client, names }: WorldScript): boolean {
  return client.coalescing && names.length > 1 && new Random(seed, 'compared').chance(COMPARED_PART)
}

function add(summary: Summary, script: WorldScript, result: RunResult, comparison: Comparison | undefined): void {
  const { seed, world, faults } = script
  summary.seeds++
  summary.requests += result.requests
  summary.simulatedMs += result.simulatedMs
  summary.faults += faults.length
  if (script.tls === 'real') {
    summary.realTlsSeeds++
    summary.realTlsRequests += result.requests
  } else summary.tookMs += result.tookMs
  summary.hash = mixed(summary.hash, result.hash)
  summary.compared += comparison?.compared ?? 0
  summary.lostShared += comparison?.lostShared ?? 0
  summary.lostApart += comparison?.lostApart ?? 0
  for (const finding of [...result.findings, ...(comparison?.findings ?? [])]) summary.findings.push({ seed, world, ...finding })
}

/** Joins two hashes of sixteen digits. */
function mixed(one: string, other: string): string {
  const text = one + other
  let [high, low] = [0xdeadbeef, 0x41c6ce57]
  for (let at = 0; at < text.length; at++) {
    high = Math.imul(high ^ text.charCodeAt(at), 2_654_435_761)
    low = Math.imul(low ^ text.charCodeAt(at) ^ (high >>> 15), 1_597_334_677)
  }
  return (high >>> 0).toString(16).padStart(8, '0') + (low >>> 0).toString(16).padStart(8, '0')
}
