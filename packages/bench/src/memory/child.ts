/** A separate process measures one subject: with some items, and again with many more. */

import { once as event } from 'node:events'
import type { LookupFunction } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import tls, { type TLSSocket } from 'node:tls'
import { Client } from '@unshard/core'
import { describe } from '../load.js'
import { COUNTS, HELD_PATH, HOST_SUFFIX, type MemoryAssignment, type MemoryTurn, PATH, TEXT, type Weighed } from './task.js'

process.once('message', (assignment: MemoryAssignment) => {
  weigh(assignment).then(answer, (error: unknown) => answer(failed(describe(error))))
})
process.once('uncaughtException', (error) => answer(failed(`uncaught: ${describe(error)}`)))
process.once('disconnect', () => process.exit())

const AT_ONCE = 100

/** Adds the n-th item. */
type Add = (n: number) => Promise<unknown> | undefined

const lookup: LookupFunction = (_, options, callback) => {
  process.nextTick(() => {
    if (options.all === true) callback(null, [{ address: '127.0.0.1', family: 4 }])
    else callback(null, '127.0.0.1', 4)
  })
}

async function weigh(assignment: MemoryAssignment): Promise<MemoryTurn> {
  const [first, additional] = COUNTS[assignment.weighed]
  const add = await adders[assignment.weighed](assignment)
  await addAll(add, 0, first)
  const before = await heldBytes()
  await addAll(add, first, first + additional)
  const after = await heldBytes()
  return { bytesEach: (after - before) / additional, errors: 0 }
}

async function addAll(add: Add, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, to - n) }, (_, i) => add(n + i)))
  }
}

const adders: Readonly<Record<Weighed, (assignment: MemoryAssignment) => Add | Promise<Add>>> = {
  connections: addConnections,
  sockets: addSockets,
  requests: addRequests,
  aborts: addAborts,
}

/**
 * One connection per origin, because sharing is disabled. Each has carried a request and is idle.
 */
function addConnections({ port, ca }: MemoryAssignment): Add {
  const client = new Client({ tls: { ca }, lookup })
  return (n) => get(client, `https://c${n}.${HOST_SUFFIX}:${port}${PATH}`)
}

function addSockets({ port, ca }: MemoryAssignment): Add {
  const sockets: TLSSocket[] = []
  return async (n) => {
    const servername = `c${n}.${HOST_SUFFIX}`
    const socket = tls.connect({ host: '127.0.0.1', port, servername, ca, ALPNProtocols: ['h2'] })
    sockets.push(socket)
    // A protocol on top of the socket would listen as well.
    socket.on('data', () => {})
    await event(socket, 'secureConnect')
  }
}

/** Requests in flight on one connection, referenced only by the caller's promise. */
async function addRequests({ port, ca }: MemoryAssignment): Promise<Add> {
  const client = new Client({ tls: { ca }, lookup, timeouts: { headers: 0 } })
  const origin = `https://held.${HOST_SUFFIX}:${port}`
  await get(client, `${origin}${PATH}`)
  const url = `${origin}${HELD_PATH}`
  const held: Promise<unknown>[] = []
  return () => {
    const response = client.request({ method: 'GET', url })
    response.catch((error: unknown) => answer(failed(describe(error))))
    held.push(response)
    return undefined
  }
}

async function addAborts({ port, ca }: MemoryAssignment): Promise<Add> {
  const client = new Client({ tls: { ca }, lookup, timeouts: { headers: 0 } })
  const url = `https://held.${HOST_SUFFIX}:${port}${HELD_PATH}`
  await get(client, `https://held.${HOST_SUFFIX}:${port}${PATH}`)
  const reason = new Error('no longer needed')
  return async () => {
    const controller = new AbortController()
    const response = client.request({ method: 'GET', url, signal: controller.signal })
    // By then it has been sent.
    await nextTurn()
    controller.abort(reason)
    const outcome = await response.catch((error: unknown) => error)
    if (outcome !== reason) throw new Error(`an aborted request ended with ${describe(outcome)}`)
  }
}

async function get(client: Client, url: string): Promise<void> {
  const response = await client.request({ method: 'GET', url })
  const text = await response.text()
  if (response.status !== 200 || text !== TEXT) throw new Error(`${url}: ${response.status} ${JSON.stringify(text)}`)
}

/**
 * Returns the retained bytes, on the heap and outside of it. Collects repeatedly, with turns in
 * between: objects released by finalizers are collected in the next round.
 */
async function heldBytes(): Promise<number> {
  for (let round = 0; round < 5; round++) {
    await nextTurn()
    globalThis.gc!()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function failed(firstError: string): MemoryTurn {
  return { bytesEach: Number.NaN, errors: 1, firstError }
}

function answer(turn: MemoryTurn): void {
  process.send!(turn, () => process.exit())
}
