/// <reference types="jest" />
// Unread content, and canceled requests.
import { patternBytes } from '../default-routes.js'
import type { ContractFixture } from './fixture.js'
import { standstill } from './recorder.js'
import { LARGE_BYTES, PART, writeSlowly } from './sources.js'

export function flowContract({ traits, start, get, expectPlaceBack }: ContractFixture): void {
  describe('back-pressure', () => {
    it('an unread body stops the server, while other requests continue', async () => {
      let written = 0
      const world = await start({
        handler: (request, response) => {
          if (request.url !== '/large') return void response.end(patternBytes(1_000_000))
          writeSlowly(response, () => {
            written += PART.length
          })
        },
      })
      const large = world.send('/large')
      const { body } = await large.answer
      const before = await standstill(() => written)
      expect(before).toBeLessThan(traits.unreadBytes)
      if (traits.multiplexes) {
        expect((await get(world, '/other')).content).toHaveLength(1_000_000)
        expect(await standstill(() => written)).toBe(before)
      }
      let length = 0
      for await (const part of body.iterate()) length += part.length
      expect(length).toBe(LARGE_BYTES)
    })

    it('a server that does not read stops the source, and the end of the exchange closes the source', async () => {
      let given = 0
      let returned!: () => void
      const left = new Promise<void>((resolve) => {
        returned = resolve
      })
      const source = (async function* (): AsyncGenerator<Uint8Array> {
        try {
          while (given < LARGE_BYTES) {
            given += PART.length
            yield PART
          }
        } finally {
          returned()
        }
      })()
      const world = await start({ handler: (request) => void request.pause() })
      const recorder = world.send('/', { method: 'POST', body: source })
      await world.server.delivered(1)
      expect(await standstill(() => given)).toBeLessThan(traits.unsentBytes)
      expect(recorder.exchange.sentBytes).toBeGreaterThan(0)
      recorder.exchange.abort(new Error('enough'))
      await left
      await recorder.closed
    })
  })

  describe('abort', () => {
    it('before the response: no call follows, and the slot is free', async () => {
      const world = await start()
      const recorder = world.send('/never')
      await world.server.delivered(1)
      recorder.exchange.abort(new Error('changed my mind'))
      recorder.exchange.abort(new Error('again'))
      await recorder.closed
      expect(recorder.events).toEqual(['closed'])
      await expectPlaceBack(world)
    })

    it('in the same turn as the request', async () => {
      const world = await start()
      const recorder = world.send('/never')
      recorder.exchange.abort(new Error('at once'))
      await recorder.closed
      expect(recorder.events).toEqual(['closed'])
      if (traits.multiplexes) await expectPlaceBack(world)
      // Nothing of it was written, so the connection stays open.
      else expect((await get(world, '/bytes/10')).content).toHaveLength(10)
    })

    it('during the content: the reader gets the reason itself', async () => {
      const world = await start()
      const recorder = world.send('/slow')
      const { body } = await recorder.answer
      const reading = body.next()
      const reason = { why: 'too slow' }
      recorder.exchange.abort(reason)
      await expect(reading).rejects.toBe(reason)
      await expect(body.next()).rejects.toBe(reason)
      await recorder.closed
      expect(recorder.events).toEqual(['response', 'closed'])
      await expectPlaceBack(world)
    })

    it('afterwards: unread content rejects with the reason, nothing else happens', async () => {
      const world = await start()
      const recorder = world.send('/bytes/10')
      const { body } = await recorder.answer
      await recorder.closed
      recorder.exchange.abort('late')
      recorder.exchange.abort('later')
      await expect(body.next()).rejects.toBe('late')
      expect(world.connection.state).toBe('open')
      expect((await get(world, '/bytes/10')).content).toHaveLength(10)
    })

    it('a reader that leaves ends the response', async () => {
      const world = await start({ handler: (_request, response) => writeSlowly(response, () => undefined) })
      const recorder = world.send('/')
      const { body } = await recorder.answer
      for await (const part of body.iterate()) {
        expect(part.length).toBeGreaterThan(0)
        break
      }
      await recorder.closed
      expect(world.connection.active).toBe(0)
      expect(recorder.events).toEqual(['response', 'closed'])
    })
  })
}
