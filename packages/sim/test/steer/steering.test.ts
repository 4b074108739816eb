/** Which scripts are kept, what becomes of them, and their files. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { drawWorld } from '../../src/draw/worlds.js'
import { runBatch, type SeedFinding, type Summary } from '../../src/run/batch.js'
import type { WorldScript } from '../../src/script/script.js'
import type { CoveredScript } from '../../src/steer/coverage.js'
import { writeScript } from '../../src/steer/scripts.js'
import { Steering } from '../../src/steer/steering.js'
import { problemsOf } from './valid.js'

const NO_LIMITS = { simulatedMs: Number.POSITIVE_INFINITY, realMs: Number.POSITIVE_INFINITY }

/** Coverage of one function for each number. */
function functionsAt(...places: number[]): CoveredScript[] {
  const functions = places.map((at) => ({ functionName: '', ranges: [{ startOffset: at, endOffset: at + 1, count: 1 }] }))
  return [{ url: 'file:///client.js', functions }]
}

/** A made-up client: which of its functions are called depends on the faults and options of a world. */
function coverageOf({ faults, client }: WorldScript): CoveredScript[] {
  const names = [...faults.map(({ kind }) => kind), ...Object.keys(client.options)]
  return functionsAt(...names.map((name) => [...name].reduce((sum, letter) => 31 * sum + letter.charCodeAt(0), 7) % 1_000))
}

/** Runs worlds of the made-up client; one with a suspended client, and a fault after it, has a finding. */
async function steer(
  seed: number,
  seeds: number,
  onSeed: (script: WorldScript, findings: readonly SeedFinding[], steering: Steering) => void,
) {
  let covered: CoveredScript[] = []
  const steering = new Steering({ seed, world: undefined }, () => covered)
  const run = (script: WorldScript, summary: Summary): Promise<void> => {
    covered = coverageOf(script)
    summary.findings.push(...judge(script))
    return Promise.resolve()
  }
  await runBatch({ seed, seeds, ...NO_LIMITS }, (script, findings) => onSeed(script, findings, steering), steering, run)
  return steering
}

function judge({ seed, world, faults }: WorldScript): SeedFinding[] {
  const suspended = faults.find(({ kind }, index) => kind === 'suspend' && index < faults.length - 1)
  return suspended === undefined ? [] : [{ seed, world, rule: 'suspended', text: `at ${suspended.at}` }]
}

it('a script with a new feature is kept, and one without is not', () => {
  // Warming up reaches a feature as well, which is new to the first world all the same.
  let covered = functionsAt(1)
  const steering = new Steering({ seed: 1, world: 'calm' }, () => covered)
  const first = steering.next(0)
  steering.onRun(first)
  expect(steering.corpus.kept).toEqual([{ script: first, news: 1 }])
  steering.onRun(steering.next(1))
  expect(steering.corpus.kept).toHaveLength(1)
  covered = functionsAt(1, 5, 7)
  const third = steering.next(2)
  steering.onRun(third)
  expect(steering.corpus.kept.slice(1)).toEqual([{ script: third, news: 2 }])
  expect(steering.figures).toMatchObject({ kept: 2, features: 3, bySteering: 0 })
})

it('every other world is made from a kept script, and the others are those of the next seeds', async () => {
  const scripts: WorldScript[] = []
  const steered: (number | undefined)[] = []
  const steering = await steer(1, 12, (script, _, { steeredWorld }) => {
    scripts.push(script)
    steered.push(steeredWorld)
  })
  expect(steered.slice(2)).toEqual([undefined, 4, undefined, 6, undefined, 8, undefined, 10, undefined, 12])
  expect(scripts[4]).toEqual(drawWorld(3))
  expect(scripts[10]).toEqual(drawWorld(6))
  expect(scripts.flatMap(problemsOf)).toEqual([])
  expect(steering.figures).toMatchObject({ worlds: 12, steered: 6, kept: steering.corpus.kept.length })
})

it('a run can be repeated: equal seeds make equal worlds and an equal corpus', async () => {
  const texts: string[][] = []
  const corpora: unknown[] = []
  for (const seed of [5, 5, 6]) {
    const list: string[] = []
    const { corpus } = await steer(seed, 30, (script) => list.push(JSON.stringify(script)))
    texts.push(list)
    corpora.push(corpus.kept)
  }
  expect(texts[1]).toEqual(texts[0])
  expect(corpora[1]).toEqual(corpora[0])
  expect(texts[2]).not.toEqual(texts[0])
})

it('the file of a steered world with a finding leads to the same finding', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'unshard-steer-'))
  try {
    const files: { readonly path: string; readonly findings: readonly SeedFinding[] }[] = []
    await steer(2, 60, (script, findings, { steeredWorld }) => {
      if (findings.length > 0 && steeredWorld !== undefined)
        files.push({ path: writeScript(script, 2, steeredWorld, folder), findings })
    })
    expect(files.length).toBeGreaterThan(2)
    expect(basename(files[0]!.path)).toMatch(/^2-\d+\.json$/)
    expect(new Set(files.map(({ path }) => path)).size).toBe(files.length)
    for (const { path, findings } of files) expect(judge(JSON.parse(readFileSync(path, 'utf8')) as WorldScript)).toEqual(findings)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
