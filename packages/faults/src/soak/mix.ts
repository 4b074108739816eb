/**
 * Mixed load against misbehaving servers. Every request settles exactly once, no POST arrives
 * twice, and nothing leaks.
 */

import { type ChildProcess, fork } from 'node:child_process'
import { getEventListeners } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Client, type HttpResponse, UnshardError } from '@unshard/core'
import { type Authority, patternBytes } from '@unshard/testkit'
import { turn, within } from '../cell/time.js'
import { below, pick, type Random, randomFor } from '../random.js'
import { ID_FIELD } from '../server/handler.js'
import type { CycleResult } from './cycles.js'
import { type Sample, sample } from './samples.js'
import { type ClientOutcomes, DO_FIELD, type FromServers, type ToServers } from './server-main.js'

const PROGRAM = fileURLToPath(new URL('./server-main.js', import.meta.url))
const HOST = 'a.test.example'
/** Parallel requests. */
const WIDTH = 48
/** Interval between samples, in milliseconds; short runs take at least nine. */
const SAMPLE_MS = 10_000
const MIN_SAMPLES = 9
/** Longer than any deadline of the load. */
const STUCK_MS = 30_000
const TIMEOUTS = { connect: 2_000, headers: 800, body: 800, queue: 2_000, total: 4_000 }

class Servers {
  readonly #child: ChildProcess = fork(PROGRAM, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })

  async start(authority: Authority, seed: number): Promise<Extract<FromServers, { ports: unknown }>> {
    return this.#ask({ start: { tls: await authority.issue({ names: [HOST] }), seed } })
  }

  async calm(outcomes: ClientOutcomes): Promise<Extract<FromServers, { calm: unknown }>['calm']> {
    return (await this.#ask<Extract<FromServers, { calm: unknown }>>({ calm: outcomes })).calm
  }

  end(): Promise<void> {
    return new Promise((resolve) => {
      this.#child.once('exit', () => resolve())
      this.#child.send('end' satisfies ToServers)
    })
  }

  #ask<Answer extends FromServers>(question: ToServers): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null): void => reject(new Error(`the servers ended with ${code}`))
      this.#child.once('exit', onExit)
      this.#child.once('message', (answer) => {
        this.#child.off('exit', onExit)
        resolve(answer as Answer)
      })
      this.#child.send(question)
    })
  }
}

class Load {
  readonly problems: string[] = []
  /** Number of requests by ending. */
  readonly endings = new Map<string, number>()
  readonly #client: Client
  readonly #ports: readonly number[]
  readonly #random: Random
  /** Shared by many requests: it must not accumulate listeners. */
  readonly shared: AbortController = new AbortController()
  #answered: string[] = []
  #unprocessed: string[] = []
  #number = 0

  constructor(client: Client, ports: readonly number[], random: Random) {
    this.#client = client
    this.#ports = ports
    this.#random = random
  }

  get requests(): number {
    return this.#number
  }

  /** Returns the outcomes since the last call. */
  takeOutcomes(): ClientOutcomes {
    const outcomes = { answered: this.#answered, unprocessed: this.#unprocessed }
    this.#answered = []
    this.#unprocessed = []
    return outcomes
  }

  /** Sends requests one after the other on many lanes until `end`. */
  async run(end: number): Promise<void> {
    const sendUntilEnd = async (): Promise<void> => {
      while (performance.now() < end) await this.#request()
    }
    await Promise.all(Array.from({ length: WIDTH }, sendUntilEnd))
  }

  async #request(): Promise<void> {
    const random = this.#random
    const number = ++this.#number
    const kind = pick(random, ['get', 'get', 'post', 'stream'] as const)
    const abort = random() < 0.2 ? new AbortController() : undefined
    if (abort !== undefined) setTimeout(() => abort.abort('enough'), below(random, 30))
    const bytes = patternBytes(below(random, 60_000))
    const url = `https://${HOST}:${pick(random, this.#ports)}/`
    const request = this.#client.request({
      url,
      method: kind === 'get' ? 'GET' : 'POST',
      headers: { [ID_FIELD]: String(number), [DO_FIELD]: this.#act() },
      signal: abort?.signal ?? this.shared.signal,
      ...(kind === 'post' && { body: bytes }),
      ...(kind === 'stream' && { body: slowly(bytes) }),
      ...(random() < 0.1 && { timeouts: { headers: 50 + below(random, 100) } }),
    })
    const key = `${kind === 'get' ? 'GET' : 'POST'} ${number}`
    let settled = 0
    request.then(
      () => settled++,
      () => settled++,
    )
    try {
      await within(
        STUCK_MS,
        `request ${number}`,
        request.then((response) => this.#read(response)),
      )
      this.#answered.push(key)
      this.#count('ok')
    } catch (error) {
      if (error instanceof UnshardError && error.processed === 'no') this.#unprocessed.push(key)
      this.#ended(error)
    }
    if (settled !== 1) this.problems.push(`request ${number} settled ${settled} times`)
  }

  #act(): string {
    const random = this.#random
    const code = pick(random, [0, 1, 2, 5, 7, 7, 7, 8, 11])
    return pick(random, [
      'fast',
      'fast',
      'fast',
      `slow:${below(random, 60)}`,
      'early',
      `bytes:${below(random, 200_000)}`,
      `reset:${code}`,
      'never',
    ])
  }

  /** Reads the response completely, partly, late, or not at all. */
  async #read(response: HttpResponse): Promise<void> {
    const how = below(this.#random, 5)
    if (how === 0) return void (await response.body.return!())
    if (how > 2) return void (await response.bytes())
    for await (const part of response.body) {
      if (how === 1 && part.length > 0) break
      await turn()
    }
  }

  #ended(error: unknown): void {
    if (error === 'enough') return this.#count('aborted')
    if (error instanceof UnshardError) return this.#count(error.code)
    this.problems.push(String((error as Error)?.stack ?? error))
  }

  #count(name: string): void {
    this.endings.set(name, (this.endings.get(name) ?? 0) + 1)
  }
}

async function* slowly(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 10_000) {
    await turn()
    yield bytes.subarray(at, at + 10_000)
  }
}

/**
 * Runs the load for `seconds`. Between its parts no request is in flight, and resources are
 * sampled.
 */
export async function soak(seconds: number, seed: number, authority: Authority): Promise<CycleResult> {
  const servers = new Servers()
  const { ports, address } = await servers.start(authority, seed)
  const client = new Client({
    tls: { ca: authority.ca },
    lookup: (_host, _options, callback) => callback(null, [{ address, family: 4 }]),
    timeouts: TIMEOUTS,
  })
  const load = new Load(client, ports, randomFor(seed, 'load'))
  const samples: Sample[] = []
  const partMs = Math.min(SAMPLE_MS, (seconds * 1_000) / (MIN_SAMPLES + 1))
  const end = performance.now() + seconds * 1_000
  let delivered = 0
  for (let part = 0; performance.now() < end; part++) {
    await load.run(Math.min(end, performance.now() + partMs))
    await idle(client, load)
    const { problems, deliveries } = await servers.calm(load.takeOutcomes())
    load.problems.push(...problems)
    delivered = deliveries
    // The first part warms up the runtime.
    if (part > 0) samples.push(await sample())
    const listeners = getEventListeners(load.shared.signal, 'abort').length
    if (listeners > 1) load.problems.push(`${listeners} listeners on a shared signal`)
  }
  await within(STUCK_MS, 'close()', client.close()).catch((error: Error) => load.problems.push(error.message))
  await servers.end()
  const { totals } = client.stats()
  const endings = [...load.endings].sort(([, a], [, b]) => b - a).map(([name, count]) => `${name} ${count}`)
  const summary = `${load.requests} requests, ${delivered} deliveries, ${totals.dials} dials, ${totals.replayed} replays\n${endings.join(', ')}`
  return { samples, problems: load.problems, summary }
}

/** Streams abandoned by their readers are closed by then. */
async function idle(client: Client, { problems }: Load): Promise<void> {
  const active = (): number => client.stats().connections.reduce((all, each) => all + each.active, 0)
  for (const until = performance.now() + 5_000; active() > 0 && performance.now() < until; ) await turn()
  if (active() > 0) problems.push(`${active()} streams are open, but no request is in flight`)
}
