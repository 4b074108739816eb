/**
 * `npm run page:live -- --seconds 60`: a program sends 100 requests per second while a page follows it. Prints the heap of the
 * program and of the page, and the number of its nodes, ten times; fails if they grow after the page is full.
 */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startOriginServer } from '@unshard/testkit'
import type { CDPSession } from 'playwright-core'
import { startChromium } from './chromium.js'
import type { ProgramReport, ProgramTask } from './live-program.js'

/** Time after which all limits of the page are reached, as a part of the whole. */
const FULL = 0.5
/** Allowed growth of a heap after that, and of the number of nodes. */
const MAX_GROWTH = 1.15
const MEGABYTE = 1_000_000
const SAMPLES = 10

/** One measurement. */
interface Sample {
  readonly second: number
  readonly requests: number
  /** Heaps after a collection, in MB. */
  readonly programMb: number
  readonly pageMb: number
  readonly nodes: number
  readonly rows: number
}

async function askProgram(child: ChildProcess): Promise<ProgramReport> {
  child.send('report')
  const [report] = (await once(child, 'message')) as [ProgramReport]
  return report
}

async function sampleOf(second: number, child: ChildProcess, session: CDPSession): Promise<Sample> {
  const { requests, heapBytes } = await askProgram(child)
  await session.send('HeapProfiler.collectGarbage')
  const { metrics } = await session.send('Performance.getMetrics')
  const metric = (name: string): number => metrics.find((each) => each.name === name)?.value ?? 0
  const { result } = await session.send('Runtime.evaluate', { expression: 'document.querySelectorAll(".row").length' })
  const pageMb = metric('JSHeapUsedSize') / MEGABYTE
  return { second, requests, programMb: heapBytes / MEGABYTE, pageMb, nodes: metric('Nodes'), rows: Number(result.value) }
}

function print({ second, requests, programMb, pageMb, nodes, rows }: Sample): void {
  const heaps = `program ${programMb.toFixed(1)} MB, page ${pageMb.toFixed(1)} MB`
  console.log(`${String(second).padStart(4)} s: ${requests} requests, ${heaps}, ${nodes} nodes, ${rows} rows`)
}

/** The measurements that have grown since the page was full. */
function growths(samples: readonly Sample[]): string[] {
  const full = samples.findIndex(({ second }) => second >= samples.at(-1)!.second * FULL)
  const before = samples[full]!
  const after = samples.at(-1)!
  const names = ['programMb', 'pageMb', 'nodes', 'rows'] as const
  return names
    .filter((name) => after[name] > before[name] * MAX_GROWTH)
    .map((name) => `${name} grew from ${before[name]} to ${after[name]}`)
}

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' } } })
const seconds = Number(values.seconds)
const server = await startOriginServer({ protocols: ['h2'] })
const child = fork(fileURLToPath(new URL('live-program.js', import.meta.url)), { execArgv: ['--expose-gc'] })
child.send({ port: server.port } satisfies ProgramTask)
const [{ url }] = (await once(child, 'message')) as [{ url: string }]
const browser = await startChromium('--enable-precise-memory-info')
const page = await browser.newPage()
const problems: string[] = []
page.on('console', (message) => problems.push(message.text()))
page.on('pageerror', (error) => problems.push(String(error)))
const session = await page.context().newCDPSession(page)
await session.send('Performance.enable')
await page.goto(url)
const startedAt = performance.now()
const samples: Sample[] = []
for (let i = 1; i <= SAMPLES; i++) {
  const dueMs = (seconds * 1000 * i) / SAMPLES
  await sleep(Math.max(0, startedAt + dueMs - performance.now()))
  samples.push(await sampleOf(Math.round(dueMs / 1000), child, session))
  print(samples.at(-1)!)
}
await browser.close()
child.kill()
await server.close()
for (const problem of [...problems, ...growths(samples)]) {
  console.error(problem)
  process.exitCode = 1
}
