/// <reference types="jest" />
// A request and its response: methods, fields, content, trailers.
import { createHash } from 'node:crypto'
import { patternBytes } from '../default-routes.js'
import type { ContractFixture } from './fixture.js'
import { read, valuesOf } from './recorder.js'
import { parts, range } from './sources.js'

export function requestContract({ traits, start, get }: ContractFixture): void {
  describe('a request and its response', () => {
    it('GET', async () => {
      const world = await start()
      expect(world.connection.protocol).toBe(traits.protocol)
      const { status, fields, content } = await get(world, '/bytes/1000')
      expect(status).toBe(200)
      expect(valuesOf(fields, 'content-length')).toEqual(['1000'])
      expect(content).toEqual(patternBytes(1000))
      expect(world.server.requests).toMatchObject([{ method: 'GET', path: '/bytes/1000', protocol: traits.protocol }])
    })

    it('a response to HEAD has headers and no content', async () => {
      const world = await start()
      const recorder = world.send('/bytes/5000', { method: 'HEAD' })
      const { fields, body } = await recorder.answer
      expect(valuesOf(fields, 'content-length')).toEqual(['5000'])
      expect(await read(body)).toHaveLength(0)
      await recorder.closed
      if (traits.multiplexes) expect((await get(world, '/bytes/1')).content).toHaveLength(1)
      // HTTP/1.1 responses have no identifiers: late content from a wrong server would be taken for
      // the next response.
      else expect(world.connection).toMatchObject({ state: 'closed', capacity: 0 })
    })

    it('a HEAD response without content leaves its connection to the next request', async () => {
      const world = await start()
      const recorder = world.send('/bytes/0', { method: 'HEAD' })
      expect(valuesOf((await recorder.answer).fields, 'content-length')).toEqual(['0'])
      await recorder.closed
      expect((await get(world, '/bytes/1')).content).toHaveLength(1)
    })

    it.each([
      ['bytes', () => patternBytes(200_000), 200_000],
      ['a stream', () => parts(patternBytes(200_000), 7_777), 200_000],
      ['no bytes', () => new Uint8Array(0), 0],
      ['a stream without content', () => parts(Buffer.alloc(0), 1), 0],
      ['nothing', () => null, 0],
    ])('POST with %s', async (_what, body, length) => {
      const world = await start()
      const recorder = world.send('/inspect', { method: 'POST', body: body() })
      const answer = JSON.parse((await read((await recorder.answer).body)).toString())
      const sha256 = createHash('sha256').update(patternBytes(length)).digest('hex')
      expect(answer).toMatchObject({ method: 'POST', body: { length, sha256 } })
      expect(recorder.exchange.sentBytes).toBe(length)
    })

    it('names are in lower case, repeated fields stay separate and in order', async () => {
      const world = await start({
        handler: (_request, response) => {
          response.setHeader('X-One', '1')
          response.setHeader('Set-Cookie', ['b=2', 'a=1', 'b=2'])
          response.setHeader('x-two', '2')
          response.end()
        },
      })
      const { fields } = await get(world, '/')
      expect(valuesOf(fields, 'set-cookie')).toEqual(['b=2', 'a=1', 'b=2'])
      const names = fields.filter((_, i) => i % 2 === 0)
      expect(names.filter((each) => /^(x-|set-)/.test(each))).toEqual([
        'x-one',
        'set-cookie',
        'set-cookie',
        'set-cookie',
        'x-two',
      ])
      expect(names.filter((each) => each.startsWith(':') || each !== each.toLowerCase())).toEqual([])
    })

    it('repeated request fields arrive in order', async () => {
      const world = await start()
      const recorder = world.send('/', { headers: { 'x-list': ['b', 'a'] } })
      await recorder.closed
      expect(world.server.requests[0]?.headers['x-list']).toBe('b, a')
    })

    it('trailers are available when the content is complete, not before', async () => {
      const world = await start()
      const recorder = world.send('/trailers')
      const { body } = await recorder.answer
      if (!body.complete) expect(recorder.exchange.trailers).toBeUndefined()
      const content = await read(body)
      const checksum = createHash('sha256').update(content).digest('hex')
      expect(recorder.exchange.trailers).toEqual(['x-checksum', checksum])
    })

    it('interim responses come first', async () => {
      const world = await start()
      const recorder = world.send('/early-hints')
      await read((await recorder.answer).body)
      await recorder.closed
      expect(recorder.events).toEqual(['1xx', 'response', 'closed'])
      expect(recorder.informational).toMatchObject([[103, ['link', expect.stringContaining('/style.css')]]])
    })

    it.each([204, 304, 404, 500])('status %i is returned as a response', async (status) => {
      const world = await start()
      const { status: actual, content } = await get(world, `/status/${status}`)
      expect(actual).toBe(status)
      if (status < 400) expect(content).toHaveLength(0)
      expect(world.connection.state).toBe('open')
    })

    it('10 MB arrive complete', async () => {
      const world = await start()
      const { content } = await get(world, '/bytes/10000000')
      expect(content.equals(patternBytes(10_000_000))).toBe(true)
    })

    it('100 requests, as many at once as the connection allows', async () => {
      const world = await start()
      const lengths = await Promise.all(
        traits.multiplexes ? range(100).map(async (n) => (await get(world, `/bytes/${n}`)).content.length) : [],
      )
      for (const n of traits.multiplexes ? [] : range(100)) lengths.push((await get(world, `/bytes/${n}`)).content.length)
      expect(lengths).toEqual(range(100))
      expect(world.server.connections).toBe(1)
    })

    it('sends request trailers, or refuses them before anything is sent', async () => {
      const world = await start({
        handler: (request, response) => {
          request.resume().on('end', () => response.end(String(request.trailers['x-sum'])))
        },
      })
      const options = { method: 'POST', body: 'content', trailers: () => [['x-sum', '7']] as [string, string][] }
      if (traits.requestTrailers) {
        expect((await read((await world.send('/', options).answer).body)).toString()).toBe('7')
        return
      }
      expect(() => world.send('/', options)).toThrow(expect.objectContaining({ code: 'ERR_TRAILERS_UNSUPPORTED' }))
      expect(world.connection).toMatchObject({ active: 0, capacity: 1, state: 'open' })
    })
  })
}
