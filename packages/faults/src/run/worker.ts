/**
 * A process that runs cells one after the other: files that a cell leaves open, blocks or exhausts
 * are confined to it.
 */

import { Traces } from '../cell/clean.js'
import { CellFixture } from '../cell/fixture.js'
import { play } from '../cell/run.js'
import { type Cell, expectationsOf, nameOf } from '../cells.js'
import type { Outcome } from '../expected/outcome.js'
import { FAULTS } from '../fault/all.js'
import { DEFAULT_SIZE } from '../fault/fault.js'
import { randomFor } from '../random.js'
import type { Backend } from '../server/account.js'
import { type Certificates, Environment } from '../server/environment.js'

/** Messages to a worker. */
export type ToWorker = { readonly certificates: Certificates; readonly seed: number } | { readonly cell: Cell } | 'end'

/** Result of a cell. */
export interface Result {
  /** Descriptions of the problems. */
  readonly problems: readonly string[]
  /** Variants that could not be run, with the reason. */
  readonly skipped: readonly string[]
  /** Number of variants that were run. */
  readonly runs: number
  readonly ms: number
}

let environment: Environment | undefined
let seed = 1
let runs = 0

async function backendFor(cell: Cell, variant: string, { certificates, ...on }: { certificates: Certificates; at: Environment }) {
  const { server = 'process' } = FAULTS[cell.fault]!
  if (server === 'process') return { backend: (await on.at.process()) as Backend, close: () => Promise.resolve() }
  if (server === 'external') return { backend: await on.at.external(variant), close: () => Promise.resolve() }
  const scripted = await on.at.scripted()
  const close = async (): Promise<void> => {
    await scripted.close()
    for (const failure of scripted.failures) throw new Error(`the server's script: ${(failure as Error)?.stack ?? failure}`)
  }
  return { backend: scripted as Backend, close }
}

async function runVariant(cell: Cell, variant: string, expected: Outcome): Promise<string[] | undefined> {
  const at = environment!
  const fault = FAULTS[cell.fault]!
  // Started before anything is counted: these stay open.
  await at.process()
  if (fault.server === 'external') await at.external(variant)
  const traces = new Traces()
  const { backend, close } = await backendFor(cell, variant, { certificates: at.certificates, at })
  if (backend === undefined) return undefined
  const random = randomFor(seed, `${nameOf(cell)} ${variant}`)
  const { phase, kind } = cell
  const fixture = await CellFixture.open({
    ...{ run: `r${++runs}`, phase, kind, variant, backend, random, ca: at.certificates.ca },
    ...{ realClock: fault.realClock ?? false, size: fault.size ?? DEFAULT_SIZE },
    ...{ direct: fault.direct?.(variant) ?? false, timeoutMs: fault.timeoutMs?.(variant) },
    ...(fault.client !== undefined && { client: fault.client }),
  })
  fixture.undo.push(close)
  const problems: string[] = []
  try {
    problems.push(...(await play({ scene: { phase, kind, variant, random, fixture, environment: at }, fault, expected })))
  } catch (error) {
    problems.push((error as Error).message)
    await lift(cell, variant, fixture)
  }
  problems.push(...(await traces.sweep(fixture, problems.length === 0 && random() < 0.5)))
  return problems
}

/** Removes the fault of a cell that was interrupted, before the next cell. */
async function lift(cell: Cell, variant: string, fixture: CellFixture): Promise<void> {
  const scene = { ...cell, variant, fixture, environment: environment!, random: Math.random, reached: undefined as never }
  try {
    fixture.proxy.letGo()
    fixture.backend.release(fixture.options.run)
    await FAULTS[cell.fault]!.lift?.(scene)
  } catch {
    // The fault may never have been applied.
  }
}

async function runCell(cell: Cell): Promise<Result> {
  const begun = performance.now()
  const [problems, skipped]: [string[], string[]] = [[], []]
  let count = 0
  for (const [variant, expected] of expectationsOf(cell)) {
    const lacks = FAULTS[cell.fault]!.lacks?.(variant)
    const found = lacks === undefined ? await runVariant(cell, variant, expected) : undefined
    if (found === undefined) skipped.push(lacks ?? `${variant} is not installed`)
    else count++
    for (const each of found ?? []) problems.push(variant === '' ? each : `${variant}: ${each}`)
  }
  return { problems, skipped, runs: count, ms: performance.now() - begun }
}

process.on('message', (message: ToWorker) => {
  if (message === 'end') {
    void (environment?.close() ?? Promise.resolve()).then(() => process.disconnect())
  } else if ('cell' in message) {
    void runCell(message.cell).then(
      (result) => process.send!(result),
      (error: Error) => process.send!({ problems: [error.stack ?? error.message], skipped: [], runs: 1, ms: 0 } satisfies Result),
    )
  } else {
    environment = new Environment(message.certificates)
    seed = message.seed
  }
})

// Done, or the parent process has ended.
process.once('disconnect', () => process.exit())
