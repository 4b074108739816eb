/**
 * Third-party servers reload 20 times under 32 requests: no request fails, no POST is sent twice.
 */

import { SMALL_TEXT } from '@unshard/testkit'
import type { Client } from '../../src/index.js'
import { clientFixture } from '../client/fixture.js'
import { createBackend } from './backend.js'
import { type Peer, peerList } from './peers.js'

const { client: createClient, tls, defer } = clientFixture()

const AT_ONCE = 32
const RELOADS = 20
const graceful = peerList.filter(([, { goaway }]) => goaway === undefined)

/** Sends requests without pause. With `posts` every second one is a POST. */
class Load {
  readonly #client: Client
  readonly #origin: string
  readonly #workers: Promise<void>[]
  #running = true
  /** The connection that answered last, per worker. */
  readonly #latest: number[] = new Array(AT_ONCE).fill(0)
  #newest = 0
  #moved: (() => void) | undefined
  posted = 0
  answered = 0

  constructor(client: Client, origin: string, posts: boolean) {
    this.#client = client
    this.#origin = origin
    this.#workers = Array.from({ length: AT_ONCE }, (_, i) => this.#work(i, posts && i % 2 === 1))
  }

  /**
   * Resolves when every worker got a response over a connection newer than any before: no request
   * meets two reloads, and one whose connection was lost is sent once more, not twice.
   */
  moved(): Promise<void> {
    this.#newest = Math.max(...this.#latest)
    return new Promise((resolve, reject) => {
      this.#moved = resolve
      Promise.all(this.#workers).catch(reject)
    })
  }

  async stop(): Promise<void> {
    this.#running = false
    await Promise.all(this.#workers)
  }

  async #work(at: number, posts: boolean): Promise<void> {
    while (this.#running) {
      const id = posts ? await this.#post() : await this.#get()
      this.answered++
      this.#latest[at] = id
      if (id > this.#newest && this.#latest.every((each) => each > this.#newest)) this.#moved?.()
    }
  }

  async #get(): Promise<number> {
    const response = await this.#client.request({ url: `${this.#origin}/small.txt` })
    expect([response.status, await response.text()]).toEqual([200, SMALL_TEXT])
    return response.connection.id
  }

  async #post(): Promise<number> {
    this.posted++
    const response = await this.#client.request({ method: 'POST', url: `${this.#origin}/behind/length`, body: 'x' })
    expect([response.status, await response.text()]).toEqual([200, '1'])
    return response.connection.id
  }
}

it.each(graceful)(
  '%s reloads 20 times under 32 parallel requests: no request fails, and no POST is sent twice',
  async (name, { start, contentAtGoaway }: Peer) => {
    const backend = createBackend()
    const server = await start({ tls: await tls(), behind: backend.listener })
    if (server === undefined) return console.warn(`${name} is not installed: the test is skipped`)
    defer(() => server.stop())
    const client = createClient()
    if (contentAtGoaway !== undefined) console.warn(`${name} receives only GET requests: ${contentAtGoaway.because}`)
    const load = new Load(client, `https://a.test.example:${server.port}`, contentAtGoaway === undefined)
    await load.moved()
    for (let i = 0; i < RELOADS; i++) {
      const moved = load.moved()
      await server.reload!()
      await moved
    }
    await load.stop()
    expect(backend.lengths).toBe(load.posted)
    expect(client.stats().totals.dials).toBeGreaterThan(RELOADS)
  },
  120_000,
)
