/// <reference types="jest" />
// The life of a connection: capacity, draining, closing; and PING.
import type { ContractFixture } from './fixture.js'
import { read, standstill } from './recorder.js'
import { range } from './sources.js'

export function lifeContract({ traits, start, get }: ContractFixture): void {
  describe('life', () => {
    it('capacity, active and state', async () => {
      const world = await start({ settings: { maxConcurrentStreams: 10 } })
      const { connection } = world
      const places = traits.multiplexes ? 10 : 1
      expect(connection).toMatchObject({ state: 'open', active: 0, capacity: places })
      const recorder = world.send('/slow')
      expect(connection).toMatchObject({ state: 'open', active: 1, capacity: places - 1 })
      const { body } = await recorder.answer
      expect(connection).toMatchObject({ active: 1, capacity: places - 1 })
      world.server.release()
      await read(body)
      await recorder.closed
      expect(connection).toMatchObject({ state: 'open', active: 0, capacity: places })
      connection.destroy(new Error('done'))
      expect(connection).toMatchObject({ state: 'closed', active: 0, capacity: 0 })
    })

    it('a slot is free as soon as the reader has the last byte', async () => {
      const world = await start({ settings: { maxConcurrentStreams: 1 } })
      await get(world, '/bytes/1')
      const { body } = await world.send('/bytes/10').answer
      await read(body)
      // A promise of the oracle's stream, and its `close`, take one turn longer than a reader: only
      // our engines guarantee this.
      if (traits.checksContent) expect(world.connection.capacity).toBe(1)
    })

    it('onChange is called when a slot is free again', async () => {
      const world = await start({ settings: { maxConcurrentStreams: 1 } })
      const { connection } = world
      const recorder = world.send('/slow')
      await recorder.answer
      expect(connection.capacity).toBe(0)
      const free = new Promise<void>((resolve) => {
        connection.onChange = () => {
          if (connection.capacity > 0) resolve()
        }
      })
      world.server.release()
      await read((await recorder.answer).body)
      await free
      expect(connection.capacity).toBe(1)
    })

    it('a request may be sent inside onChange', async () => {
      const world = await start({ settings: { maxConcurrentStreams: 1 } })
      const { connection } = world
      const left = range(5)
      const done = new Promise<void>((resolve) => {
        connection.onChange = () => {
          if (connection.capacity === 0) return
          const next = left.pop()
          if (next === undefined) return resolve()
          world.send(`/bytes/${next}`).answer.then(({ body }) => read(body), resolve)
        }
      })
      await get(world, '/bytes/9')
      await done
      expect(world.server.requests.map(({ path }) => path)).toEqual([
        '/bytes/9',
        ...range(5)
          .reverse()
          .map((n) => `/bytes/${n}`),
      ])
    })

    it('a response after which the server closes leaves no capacity', async () => {
      const world = await start({
        handler: (request, response) => {
          if (request.stream === undefined) response.setHeader('connection', 'close')
          else request.stream.session?.close()
          response.end('last')
        },
      })
      const { connection } = world
      let offered = 0
      connection.onChange = () => {
        if (connection.active === 0 && connection.capacity > 0) offered++
      }
      const recorder = world.send('/')
      expect((await read((await recorder.answer).body)).toString()).toBe('last')
      await recorder.closed
      expect(offered).toBe(0)
      expect(connection.capacity).toBe(0)
      await connection.close()
      expect(connection.state).toBe('closed')
    })

    it('close() lets requests finish and accepts no more', async () => {
      const world = await start()
      const recorder = world.send('/slow')
      const { body } = await recorder.answer
      const changes: string[] = []
      world.connection.onChange = () => changes.push(world.connection.state)
      let over = false
      const closing = world.connection.close().then(() => {
        over = true
      })
      expect(world.connection).toMatchObject({ state: 'draining', capacity: 0, active: 1 })
      expect(changes[0]).toBe('draining')
      world.server.release()
      expect((await read(body)).toString()).toBe('released')
      await recorder.closed
      await closing
      expect(over).toBe(true)
      expect(world.connection.state).toBe('closed')
      expect(changes.at(-1)).toBe('closed')
    })

    it('close() of an idle connection closes it, however often it is called', async () => {
      const world = await start()
      await get(world, '/bytes/1')
      await Promise.all([world.connection.close(), world.connection.close()])
      await world.connection.close()
      expect(world.connection).toMatchObject({ state: 'closed', capacity: 0 })
    })

    it('close() of a connection that never carried a request', async () => {
      const world = await start()
      await world.connection.close()
      expect(world.connection.state).toBe('closed')
    })

    it('destroy() fails requests in flight with its reason, before and after the response', async () => {
      const world = await start()
      const reason = new Error('enough')
      const begun = world.send('/slow')
      const { body } = await begun.answer
      const reading = body.next()
      const pending = traits.multiplexes ? world.send('/never') : undefined
      if (pending !== undefined) await world.server.delivered(2)
      world.connection.destroy(reason)
      world.connection.destroy(new Error('too late'))
      expect(world.connection).toMatchObject({ state: 'closed', capacity: 0 })
      await expect(reading).rejects.toBe(reason)
      await expect(pending?.answer ?? Promise.reject(reason)).rejects.toBe(reason)
      await Promise.all([begun.closed, pending?.closed])
      await world.connection.close()
    })

    it('destroy() before the response', async () => {
      const world = await start()
      const reason = new Error('enough')
      const pending = world.send('/never')
      await world.server.delivered(1)
      world.connection.destroy(reason)
      await expect(pending.answer).rejects.toBe(reason)
      await pending.closed
      expect(pending.events).toEqual(['error', 'closed'])
    })

    it('the server sees the end of a destroyed connection', async () => {
      const world = await start()
      await get(world, '/bytes/1')
      world.connection.destroy(new Error('done'))
      await world.connection.close()
      await standstill(() => world.server.openSockets)
      expect(world.server.openSockets).toBe(0)
    })
  })

  describe('ping', () => {
    it(traits.pings ? 'measures a round trip' : 'is refused', async () => {
      const { connection } = await start()
      if (traits.pings) expect(await connection.ping(5_000)).toBeGreaterThan(0)
      else await expect(connection.ping(5_000)).rejects.toMatchObject({ code: 'ERR_PING_UNSUPPORTED' })
    })

    it('fails after the end', async () => {
      const { connection } = await start()
      connection.destroy(new Error('gone'))
      await expect(connection.ping(5_000)).rejects.toMatchObject({ code: expect.any(String) })
    })
  })
}
