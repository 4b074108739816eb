/// <reference types="jest" />
// Shared by the parts of the contract: a server and a connection for each test, and the check that
// every exchange made the right calls.
import type { Connection, RequestOptions } from '@unshard/core'
import { patternBytes } from '../default-routes.js'
import type { OriginServer, OriginServerOptions } from '../origin-server.js'
import type { ContractEngine, EngineTraits } from './engine.js'
import { type Answer, Recorder, read } from './recorder.js'

/** Server and connection of one test. */
export interface ContractWorld {
  readonly server: OriginServer
  readonly connection: Connection
  send(path: string, options?: Omit<RequestOptions, 'url'>): Recorder
}

/** Input of the parts. */
export interface ContractFixture {
  readonly traits: EngineTraits
  start(options?: OriginServerOptions): Promise<ContractWorld>
  get(world: ContractWorld, path: string): Promise<Answer & { readonly content: Buffer }>
  expectPlaceBack(world: ContractWorld): Promise<void>
}

/** Call once for each engine, at the top level of a test file or of a describe block. */
export function contractFixture(engine: ContractEngine): ContractFixture {
  const { traits } = engine
  const recorders: Recorder[] = []
  const closers: (() => unknown)[] = []

  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
    for (const recorder of recorders) await recorder.closed
    for (const { violations, events } of recorders.splice(0)) {
      expect(violations).toEqual([])
      expect(events.filter((event) => event === 'closed')).toHaveLength(1)
      expect(events.at(-1)).toBe('closed')
    }
  })

  async function start(options: OriginServerOptions = {}): Promise<ContractWorld> {
    const server = await engine.serve(options)
    closers.push(() => server.close())
    const connection = await engine.open(server)
    closers.push(() => connection.destroy(new Error('the test is over')))
    const send: ContractWorld['send'] = (path, options = {}) => {
      const recorder = new Recorder()
      const request = engine.request({ url: server.url() + path, ...options })
      recorder.exchange = connection.request(request, recorder)
      recorder.returned = true
      recorders.push(recorder)
      return recorder
    }
    return { server, connection, send }
  }

  const get = async (world: ContractWorld, path: string): Promise<Answer & { readonly content: Buffer }> => {
    const recorder = world.send(path)
    const answer = await recorder.answer
    const content = await read(answer.body)
    await recorder.closed
    return { ...answer, content }
  }

  /**
   * Checks the connection after a request that was ended early: over HTTP/1.1 it is closed as well.
   */
  const expectPlaceBack = async (world: ContractWorld): Promise<void> => {
    expect(world.connection.active).toBe(0)
    if (traits.multiplexes) {
      expect(world.connection.state).toBe('open')
      expect((await get(world, '/bytes/10')).content).toEqual(patternBytes(10))
    } else {
      expect(world.connection.capacity).toBe(0)
      await world.connection.close()
      expect(world.connection.state).toBe('closed')
    }
  }

  return { traits, start, get, expectPlaceBack }
}
