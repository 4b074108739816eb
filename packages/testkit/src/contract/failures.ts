/// <reference types="jest" />
// Failures on either side, and the errors that the caller and the server get.
import { constants } from 'node:http2'
import { patternBytes } from '../default-routes.js'
import type { ContractFixture } from './fixture.js'
import { read } from './recorder.js'
import { failing, parts, yielding } from './sources.js'

export function failureContract({ traits, start, expectPlaceBack }: ContractFixture): void {
  describe('failures', () => {
    it('a failing source: its own error is the cause, and the server does not get a complete request', async () => {
      let ended = false
      const world = await start({
        handler: (request) => {
          request.resume().on('error', () => undefined)
          request.on('end', () => {
            ended = request.complete && !(request.aborted ?? false)
          })
        },
      })
      const recorder = world.send('/', { method: 'POST', body: failing('out of paper') })
      await expect(recorder.answer).rejects.toMatchObject({
        code: 'ERR_REQUEST_BODY',
        initiator: 'local',
        cause: { message: 'out of paper' },
      })
      await recorder.closed
      expect(recorder.events).toEqual(['error', 'closed'])
      expect(world.connection.active).toBe(0)
      expect(ended).toBe(false)
    })

    // Only an engine that checks the content can detect this.
    const checked = traits.checksContent ? it : undefined
    checked?.each([
      ['longer than its content-length', { 'content-length': '3' }, 'four', 'ERR_CONTENT_LENGTH'],
      ['shorter than its content-length', { 'content-length': '5' }, 'four', 'ERR_CONTENT_LENGTH'],
      ['no bytes', {}, 4, 'ERR_INVALID_BODY'],
      ['null', {}, null, 'ERR_INVALID_BODY'],
    ])('a source whose content is %s is an error of the caller', async (_what, headers, part, code) => {
      const world = await start()
      const recorder = world.send('/inspect', { method: 'POST', headers, body: yielding(part) })
      await expect(recorder.answer).rejects.toMatchObject({ name: 'UsageError', code })
      await recorder.closed
      expect(recorder.events).toEqual(['error', 'closed'])
    })

    const withTrailers = traits.requestTrailers ? checked : undefined
    withTrailers?.each([
      ['bytes', () => 'content'],
      ['a stream', () => parts(Buffer.from('content'), 3)],
    ])('trailers after %s that are not allowed fail the request, and its slot is free', async (_what, body) => {
      const world = await start()
      const trailers = (): Record<string, string> => ({ 'x bad': '1' })
      const recorder = world.send('/inspect', { method: 'POST', body: body(), trailers })
      await expect(recorder.answer).rejects.toMatchObject({ name: 'UsageError' })
      await recorder.closed
      await expectPlaceBack(world)
    })

    it('expect: 100-continue is sent, and the content arrives', async () => {
      const world = await start()
      const recorder = world.send('/inspect', { method: 'POST', headers: { expect: '100-continue' }, body: 'content' })
      const answer = JSON.parse((await read((await recorder.answer).body)).toString())
      expect(answer).toMatchObject({ method: 'POST', body: { length: 7 } })
      await recorder.closed
      expect(recorder.events.filter((event) => event !== '1xx')).toEqual(['response', 'closed'])
    })

    it('a reset during the content: the received content is read, then the error', async () => {
      const world = await start()
      const recorder = world.send('/reset')
      const { body } = await recorder.answer
      const first = await body.next()
      expect(Buffer.from(first.value as Uint8Array)).toEqual(patternBytes(10))
      await expect(body.next()).rejects.toMatchObject({ processed: 'yes', initiator: 'peer' })
      await recorder.closed
      await expectPlaceBack(world)
    })

    it('a reset before the response', async () => {
      const world = await start({
        handler: ({ socket, stream, url }, response) => {
          if (url !== '/reset') response.end(patternBytes(10))
          else if (stream === undefined) socket.destroy()
          else stream.close(constants.NGHTTP2_INTERNAL_ERROR)
        },
      })
      const recorder = world.send('/reset')
      await expect(recorder.answer).rejects.toMatchObject({ processed: 'unknown', initiator: 'peer' })
      await recorder.closed
      expect(recorder.events).toEqual(['error', 'closed'])
      await expectPlaceBack(world)
    })

    it('a connection closed by the server fails the requests in flight', async () => {
      const sockets: { destroy(): void }[] = []
      const world = await start({
        handler: (request, response) => {
          sockets.push(request.stream?.session ?? request.socket)
          if (request.url === '/begun') response.writeHead(200).write('some')
        },
      })
      const begun = traits.multiplexes ? world.send('/begun') : undefined
      await begun?.answer
      const pending = world.send('/never')
      await world.server.delivered(traits.multiplexes ? 2 : 1)
      sockets[0]!.destroy()
      await expect(pending.answer).rejects.toMatchObject({ processed: 'unknown' })
      const cut = begun && read((await begun.answer).body)
      if (traits.seesCutBody)
        await expect(cut ?? Promise.reject({ processed: 'yes' })).rejects.toMatchObject({ processed: 'yes' })
      await begun?.closed
      await pending.closed
      await world.connection.close()
      expect(world.connection).toMatchObject({ state: 'closed', capacity: 0, active: 0 })
    })
  })
}
