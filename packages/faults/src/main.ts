/**
 * `pnpm faults`: every fault in every phase for every kind of request. Exit code 1 if an outcome
 * differs from the table.
 */

import { createAuthority } from '@unshard/testkit'
import { type Arguments, readArguments, USAGE } from './arguments.js'
import { allCells, type Cell, kernelNeeds } from './cells.js'
import { differences, matrixCells } from './matrix.js'
import { randomFor, shuffled } from './random.js'
import { deleteNamespaces, namespaceLacks, newNamespace } from './run/namespace.js'
import { countsLine, type Entry, failed, failureLines, tableLines, toJson } from './run/report.js'
import { runCells } from './run/workers.js'
import type { Certificates } from './server/environment.js'

/** Workers in namespaces, in addition to the others: their cells mostly wait. */
const KERNEL_JOBS = 3
const DAY_MS = 86_400_000

async function certificates(): Promise<Certificates> {
  const [authority, other] = [await createAuthority(), await createAuthority()]
  const names = ['*.test.example']
  const yesterday = new Date(Date.now() - DAY_MS)
  return {
    ca: authority.ca,
    good: await authority.issue({ names }),
    expired: await authority.issue({ names, notBefore: new Date(Date.now() - 2 * DAY_MS), notAfter: yesterday }),
    otherName: await authority.issue({ names: ['other.example'] }),
    otherAuthority: await other.issue({ names }),
  }
}

/** Returns the selected cells in an order given by the seed. */
function choose({ only, phases, kinds, seed, sample }: Arguments): Cell[] {
  const selected = allCells().filter(
    ({ fault, phase, kind }) => only.includes(fault) && phases.includes(phase) && kinds.includes(kind),
  )
  return shuffled(randomFor(seed, 'order'), selected).slice(0, sample)
}

async function run(cells: readonly Cell[], args: Arguments): Promise<Entry[]> {
  const { seed, jobs, json } = args
  const entries: Entry[] = []
  const plain = cells.filter((cell) => kernelNeeds(cell) === undefined)
  const kernel: Cell[] = []
  for (const cell of cells) {
    const needs = kernelNeeds(cell)
    if (needs === undefined) continue
    const lacks = namespaceLacks(needs)
    if (lacks === undefined) kernel.push(cell)
    else entries.push({ cell, result: undefined, skipped: lacks })
  }
  const options = {
    certificates: await certificates(),
    seed,
    onResult(cell: Cell, result: NonNullable<Entry['result']>): void {
      const entry = { cell, result }
      entries.push(entry)
      if (failed(entry) && !json) console.log(failureLines(entry, seed).join('\n'))
    },
  }
  try {
    const inKernel = runCells(kernel, { ...options, jobs: Math.min(KERNEL_JOBS, jobs), command: newNamespace })
    await Promise.all([runCells(plain, { ...options, jobs }), inKernel])
  } finally {
    deleteNamespaces()
  }
  return entries
}

/** Compares our table with the matrix. */
function compare(say: (line: string) => void): number {
  const matrix = matrixCells()
  if (matrix === undefined) say('the matrix of faults is missing: using the cells of our own table')
  const differ = matrix === undefined ? [] : differences(matrix)
  for (const each of differ) say(`FAIL ${each}`)
  return differ.length
}

async function main(): Promise<number> {
  let args: Arguments
  try {
    args = readArguments(process.argv.slice(2), Date.now())
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`)
    return 2
  }
  const say = args.json ? (line: string) => console.error(line) : (line: string) => console.log(line)
  say(`seed ${args.seed}`)
  const begun = performance.now()
  const differ = compare(say)
  const entries = await run(choose(args), args)
  if (args.json) console.log(toJson(entries, args.seed))
  for (const line of tableLines(entries)) say(line)
  say(`${Math.round((performance.now() - begun) / 1_000)} s`)
  say(countsLine(entries))
  return differ + entries.filter(failed).length === 0 ? 0 : 1
}

// Debian installs network tools in sbin, which is not always in PATH.
process.env['PATH'] += ':/usr/sbin:/sbin'
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    deleteNamespaces()
    process.exit(1)
  })
}
process.exitCode = await main()
