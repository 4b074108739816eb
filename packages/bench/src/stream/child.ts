/**
 * One competitor in a separate process reads the resource as a stream: once to warm up, and once
 * while it is measured.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { describe } from '../load.js'
import { openers } from './competitors.js'
import { STREAM_BYTES, STREAM_FILE, type StreamAssignment, type StreamTurn } from './task.js'

/** Sampling interval of the memory. */
const LOOK_EVERY_MS = 5

process.once('message', (assignment: StreamAssignment) => {
  measure(assignment).then(answer, (error: unknown) => answer(failed(describe(error))))
})
process.once('uncaughtException', (error) => answer(failed(`uncaught: ${describe(error)}`)))
process.once('disconnect', () => process.exit())

async function measure({ competitor, origin, ca }: StreamAssignment): Promise<StreamTurn> {
  const { send, close } = await openers.get(competitor)!(origin, ca)
  const url = `${origin}/${STREAM_FILE}`
  // A part is enough to load the code and open the connection.
  await read(await send(url), STREAM_BYTES / 10)
  globalThis.gc!()
  await sleep(100)
  const base = process.memoryUsage.rss()
  let peak = base
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss())
  }, LOOK_EVERY_MS)
  const [startedAt, before] = [performance.now(), process.cpuUsage()]
  const bytes = await read(await send(url), STREAM_BYTES)
  const { user, system } = process.cpuUsage(before)
  const ms = performance.now() - startedAt
  clearInterval(watch)
  await close()
  if (bytes !== STREAM_BYTES) throw new Error(`${bytes} bytes of ${STREAM_BYTES}`)
  return { ms, cpuMs: (user + system) / 1_000, peakBytes: peak - base, errors: 0 }
}

async function read(response: Response, maxBytes: number): Promise<number> {
  let bytes = 0
  for await (const chunk of response.body!) {
    bytes += chunk.length
    if (bytes >= maxBytes) break
  }
  return bytes
}

function failed(firstError: string): StreamTurn {
  return { ms: Number.NaN, cpuMs: Number.NaN, peakBytes: Number.NaN, errors: 1, firstError }
}

function answer(turn: StreamTurn): void {
  process.send!(turn, () => process.exit())
}
