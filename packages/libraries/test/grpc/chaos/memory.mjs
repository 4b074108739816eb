/** `npm run grpc:chaos -- --memory`: what calls leave behind, and what a reader that is slow holds in memory. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { fileURLToPath } from 'node:url'
import * as grpc from '@grpc/grpc-js'
import { createClient } from 'unshard'
import { channel, grpcClient } from 'unshard/grpc'
import { METHODS, Service } from './callers.mjs'
import { sizeAt } from './memory-server.mjs'
import { messageOf } from './plan.mjs'

const MIB = 1_048_576
/** Heap after garbage collection that may be there more at the end. */
const FORGIVEN_HEAP = 2 * MIB
const FORGIVEN_RSS = 100 * MIB
/** Of the objects of finished calls, the part that may still be there. */
const FORGIVEN_OBJECTS = 0.05
const WINDOW = MIB
/** A call holds one message that is complete, and the parts of the next one: their bytes may be sent again already. */
const FORGIVEN_MESSAGES = 3 * 65_536
const PREFIX_BYTES = 5
/** RFC 9113 §4.1, §6.1. */
const FRAME_HEADER_BYTES = 9
const DATA = 0
const SAMPLES = 12
const CONCURRENCY = 32

async function heap() {
  for (let round = 0; round < 3; round++) {
    await new Promise(setImmediate)
    globalThis.gc()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Both ways to call one server. */
function waysTo(port) {
  const client = createClient({ streamWindowBytes: WINDOW, windowBudgetBytes: 0 })
  const credentials = grpc.credentials.createInsecure()
  const address = `127.0.0.1:${port}`
  const service = new Service(address, credentials, { channelOverride: channel(client, address, credentials) })
  const calls = grpcClient(client, { baseUrl: `http://${address}` })
  return { client, service, calls }
}

const message = messageOf(1, 0, 100)

/** One call of each kind by both ways. Resolves with objects that nothing needs any more. */
async function callEach({ service, calls }) {
  const unary = await calls.unary(METHODS.unary, message)
  const sum = await calls.clientStream(METHODS.clientStream, [message])
  const stream = calls.bidi(METHODS.bidi, [message, message])
  for await (const _ of stream);
  const call = await new Promise((resolve, reject) => {
    const made = service.unary(message, (error) => (error === null ? resolve(made) : reject(error)))
  })
  const duplex = service.bidi()
  duplex.end(message)
  for await (const _ of duplex);
  return [unary, sum, stream, call, duplex]
}

/** Makes many calls and compares the heap at the begin with that at the end. */
async function afterCalls(port, calls) {
  const ways = waysTo(port)
  const objects = []
  const heaps = []
  const rounds = Math.ceil(calls / 5 / CONCURRENCY / SAMPLES)
  for (let i = 0; i < SAMPLES; i++) {
    for (let round = 0; round < rounds; round++) {
      const made = await Promise.all(Array.from({ length: CONCURRENCY }, () => callEach(ways)))
      if (round === 0) for (const object of made.flat()) objects.push(new WeakRef(object))
    }
    heaps.push(await heap())
  }
  const alive = objects.filter((object) => object.deref() !== undefined).length
  const { connections } = ways.client.stats()
  ways.client.destroy()
  const grown = Math.min(...heaps.slice(-4)) - Math.min(...heaps.slice(0, 4))
  const text = heaps.map((bytes) => (bytes / MIB).toFixed(1)).join(' ')
  console.log(`${rounds * SAMPLES * CONCURRENCY * 5} calls: heap after garbage collection in MiB: ${text}`)
  console.log(`${alive} of ${objects.length} objects of finished calls are alive`)
  return [
    ...(grown > FORGIVEN_HEAP ? [`the heap has grown by ${(grown / MIB).toFixed(1)} MiB`] : []),
    ...(alive > objects.length * FORGIVEN_OBJECTS ? [`${alive} of ${objects.length} objects of finished calls are alive`] : []),
    ...(connections.some(({ active }) => active > 0) ? ['a connection has active requests after the last call'] : []),
  ]
}

/** Returns a function that counts the content of DATA frames in what a server sends. */
function dataCounter(count) {
  let [header, rest] = [Buffer.alloc(0), 0]
  return (bytes) => {
    for (let at = 0; at < bytes.length; ) {
      if (rest > 0) {
        const skipped = Math.min(rest, bytes.length - at)
        at += skipped
        rest -= skipped
        continue
      }
      const taken = bytes.subarray(at, at + FRAME_HEADER_BYTES - header.length)
      header = Buffer.concat([header, taken])
      at += taken.length
      if (header.length < FRAME_HEADER_BYTES) return
      rest = header.readUIntBE(0, 3)
      if (header[3] === DATA) count(rest)
      header = Buffer.alloc(0)
    }
  }
}

/** Relays to the server, and counts the content that it sends. */
async function startRelay(target) {
  const relay = { bytes: 0 }
  const server = net.createServer((socket) => {
    const behind = net.connect(target, '127.0.0.1')
    behind.on(
      'data',
      dataCounter((bytes) => {
        relay.bytes += bytes
      }),
    )
    socket.pipe(behind).pipe(socket)
    for (const each of [socket, behind]) each.on('error', () => undefined)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return Object.assign(relay, { port: server.address().port, stop: () => server.close() })
}

/** Begins a stream. `taken` is called for each message that leaves the call: a stream of grpc-js keeps some more. */
function streamOf(way, { service, calls }, bytes, taken) {
  const responseDeserialize = (received) => {
    taken(received.length + PREFIX_BYTES)
    return received
  }
  const method = { ...METHODS.serverStream, responseDeserialize }
  if (way === 'grpcClient()') return calls.serverStream(method, message, { metadata: { 'x-bytes': String(bytes) } })
  const metadata = new grpc.Metadata()
  metadata.set('x-bytes', String(bytes))
  return service.makeServerStreamRequest(method.path, method.requestSerialize, responseDeserialize, message, metadata)
}

/** Reads a stream that the server sends faster than it is read. */
async function slowReader(way, port, bytes) {
  const relay = await startRelay(port)
  const ways = waysTo(relay.port)
  await ways.calls.unary(METHODS.unary, message)
  await heap()
  const before = { bytes: relay.bytes, rss: process.memoryUsage.rss() }
  const most = { held: 0, rss: 0 }
  let [read, count] = [0, 0]
  const taken = (length) => {
    most.held = Math.max(most.held, relay.bytes - before.bytes - read)
    read += length
  }
  for await (const received of streamOf(way, ways, bytes, taken)) {
    if (received.length !== 8 + sizeAt(count) || received.readUInt32BE(4) !== count)
      return [`${way}: message ${count} is not the one that was sent`]
    count++
    // Other work, during which the server could send more.
    if (count % 16 === 0) await new Promise(setImmediate)
    if (count % 2_000 === 0) await new Promise((resolve) => setTimeout(resolve, 20))
    if (count % 256 === 0) most.rss = Math.max(most.rss, process.memoryUsage.rss() - before.rss)
  }
  ways.client.destroy()
  relay.stop()
  const text = `${count} messages, ${(read / MIB).toFixed(0)} MiB`
  console.log(
    `${way}: ${text}: at most ${(most.held / MIB).toFixed(2)} MiB sent and not read, RSS grew by at most ${(most.rss / MIB).toFixed(0)} MiB`,
  )
  return [
    ...(read < bytes ? [`${way}: ${read} bytes instead of ${bytes}`] : []),
    ...(most.held > WINDOW + FORGIVEN_MESSAGES
      ? [`${way}: the server had ${most.held} bytes in flight, over the window of ${WINDOW}`]
      : []),
    ...(most.rss > FORGIVEN_RSS ? [`${way}: RSS has grown by ${(most.rss / MIB).toFixed(0)} MiB`] : []),
  ]
}

/** Measures, and returns problems. */
export async function memory({ calls, megabytes }) {
  if (globalThis.gc === undefined) return ['--memory needs node --expose-gc']
  const program = fileURLToPath(new URL('./memory-server.mjs', import.meta.url))
  const server = spawn(process.execPath, [program, 'serve'], { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    const [first] = await once(server.stdout, 'data')
    const port = Number.parseInt(String(first), 10)
    const problems = await afterCalls(port, calls)
    for (const way of ['channel()', 'grpcClient()']) problems.push(...(await slowReader(way, port, megabytes * 1_000_000)))
    return problems
  } finally {
    server.kill()
  }
}
