/** Servers that other people wrote reload twenty times, each time under 32 requests: none of them fails, and no POST comes twice. */

import { SMALL_TEXT } from '@unshard/testkit'
import type { Client } from '../../src/index.js'
import { clientFixture } from '../client/fixture.js'
import { createBehind } from './behind.js'
import { type Peer, peerList } from './peers.js'

const { client, tls, defer } = clientFixture()

const AT_ONCE = 32
const RELOADS = 20
const polite = peerList.filter(([, { goodbye }]) => goodbye === undefined)

/** Asks without pause; every answer has to be right. With `posts` every second request is one: they are counted behind the server. */
class Load {
  readonly #one: Client
  readonly #origin: string
  readonly #workers: Promise<void>[]
  #going = true
  /** The connection that answered last, for each worker. */
  readonly #latest: number[] = new Array(AT_ONCE).fill(0)
  #newest = 0
  #moved: (() => void) | undefined
  posted = 0
  answered = 0

  constructor(one: Client, origin: string, posts: boolean) {
    this.#one = one
    this.#origin = origin
    this.#workers = Array.from({ length: AT_ONCE }, (_, i) => this.#work(i, posts && i % 2 === 1))
  }

  /**
   * Resolves when every worker has had an answer over a connection that is newer than any so far: no request meets two reloads. One whose
   * connection was lost is sent once more, not twice.
   */
  moved(): Promise<void> {
    this.#newest = Math.max(...this.#latest)
    return new Promise((resolve, reject) => {
      this.#moved = resolve
      Promise.all(this.#workers).catch(reject)
    })
  }

  async stop(): Promise<void> {
    this.#going = false
    await Promise.all(this.#workers)
  }

  async #work(at: number, posts: boolean): Promise<void> {
    while (this.#going) {
      const id = posts ? await this.#post() : await this.#get()
      this.answered++
      this.#latest[at] = id
      if (id > this.#newest && this.#latest.every((each) => each > this.#newest)) this.#moved?.()
    }
  }

  async #get(): Promise<number> {
    const response = await this.#one.request({ url: `${this.#origin}/small.txt` })
    expect([response.status, await response.text()]).toEqual([200, SMALL_TEXT])
    return response.connection.id
  }

  async #post(): Promise<number> {
    this.posted++
    const response = await this.#one.request({ method: 'POST', url: `${this.#origin}/behind/length`, body: 'x' })
    expect([response.status, await response.text()]).toEqual([200, '1'])
    return response.connection.id
  }
}

it.each(polite)(
  '%s, 20 reloads under 32 requests at once: none fails, and no POST comes twice',
  async (name, { start, contentAtGoodbye }: Peer) => {
    const behind = createBehind()
    const server = await start({ tls: await tls(), behind: behind.listener })
    if (server === undefined) return console.warn(`${name} is not installed: this test shows nothing here`)
    defer(() => server.stop())
    const one = client()
    if (contentAtGoodbye !== undefined) console.warn(`${name} is asked with GET alone: ${contentAtGoodbye.because}`)
    const load = new Load(one, `https://a.test.example:${server.port}`, contentAtGoodbye === undefined)
    await load.moved()
    for (let i = 0; i < RELOADS; i++) {
      const moved = load.moved()
      await server.reload!()
      await moved
    }
    await load.stop()
    expect(behind.lengths).toBe(load.posted)
    expect(one.stats().totals.dials).toBeGreaterThan(RELOADS)
  },
  120_000,
)
