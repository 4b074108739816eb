/**
 * A client in a separate process, with one origin or with many: measures the memory cost of
 * origins, then the cost of requests.
 */

import type { LookupFunction } from 'node:net'
import { type Client, createClient } from 'unshard'
import { closedLoop, describe } from '../load.js'
import { type Assignment, IN_FLIGHT, TEXT, type Turn, urls } from './task.js'

process.once('message', (assignment: Assignment) => {
  measure(assignment).then(answer, (error: unknown) => answer(failed(describe(error))))
})
process.once('uncaughtException', (error) => answer(failed(`uncaught: ${describe(error)}`)))
process.once('disconnect', () => process.exit())

const REQUESTS_BEFORE = 20_000

const lookup: LookupFunction = (_, options, callback) => {
  process.nextTick(() => {
    if (options.all === true) callback(null, [{ address: '127.0.0.1', family: 4 }])
    else callback(null, '127.0.0.1', 4)
  })
}

async function measure({ origins, port, ca, seconds, warmupSeconds }: Assignment): Promise<Turn> {
  const client = createClient({ tls: { ca }, lookup })
  const all = urls(origins, port)
  let next = 0
  const once = async (): Promise<void> => {
    const url = all[next]!
    next = (next + 1) % all.length
    await get(client, url)
  }
  // Compiled code and grown buffers are not a cost of origins: send many requests to the first
  // origin before measuring.
  await atOnce(
    Array.from({ length: REQUESTS_BEFORE }, () => all[0]!),
    (url) => get(client, url),
  )
  const before = await heapBytes()
  await atOnce(all, (url) => get(client, url))
  const after = await heapBytes()
  const load = await closedLoop(once, { inFlight: IN_FLIGHT, seconds, warmupSeconds })
  const { totals } = client.stats()
  await client.close()
  return {
    cpuMicrosPerRequest: load.cpuMicros / load.requests,
    requestsPerSecond: load.requests / load.seconds,
    ...(origins > 1 && { bytesPerOrigin: (after - before) / (origins - 1) }),
    connections: totals.dials,
    errors: load.errors,
    ...(load.firstError !== undefined && { firstError: load.firstError }),
  }
}

async function get(client: Client, url: string): Promise<void> {
  const response = await client.request({ method: 'GET', url })
  const text = await response.text()
  if (response.status !== 200 || text !== TEXT) throw new Error(`${url}: ${response.status} ${JSON.stringify(text)}`)
}

/** Requests each URL once, a fixed number in parallel. */
async function atOnce(all: readonly string[], one: (url: string) => Promise<void>): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    for (let url = all[next++]; url !== undefined; url = all[next++]) await one(url)
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
}

/**
 * Returns the retained bytes. Collects twice, with a turn in between: objects released by
 * finalizers are collected in the second round.
 */
async function heapBytes(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    await new Promise(setImmediate)
    globalThis.gc!()
  }
  return process.memoryUsage().heapUsed
}

function failed(firstError: string): Turn {
  return { cpuMicrosPerRequest: Number.NaN, requestsPerSecond: 0, connections: 0, errors: 1, firstError }
}

function answer(turn: Turn): void {
  process.send!(turn, () => process.exit())
}
