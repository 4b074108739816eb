/** `WebSocketStream`: messages as streams, with back-pressure. */

import { once } from 'node:events'
import type ServerSocket from 'ws'
import { WebSocketError, WebSocketStream } from '../../src/web-socket/index.js'
import { httpFixture } from '../http/fixture.js'
import { echo, type Offer, WAYS, webSocketServer } from './server.js'

const fixture = httpFixture()
const H2: Offer = { h2: true, connectProtocol: true }

/** Waits until a value no longer changes. */
async function settled(value: () => number): Promise<number> {
  let before = Number.NaN
  while (!Object.is(before, value())) {
    before = value()
    for (let i = 0; i < 100; i++) await new Promise(setImmediate)
  }
  return before
}

describe.each(WAYS)('over %s', (_title, offer) => {
  it('messages go in both directions, and close() resolves closed with the code of the server', async () => {
    const server = await webSocketServer(fixture, offer, { ...echo(), answer: () => ({ 'sec-websocket-protocol': 'chat' }) })
    const socket = new WebSocketStream(server.url, { client: fixture.client(), protocols: ['chat'] })
    const { readable, writable, protocol, extensions } = await socket.opened
    expect([protocol, extensions]).toEqual(['chat', ''])
    const [reader, writer] = [readable.getReader(), writable.getWriter()]
    await writer.write('text')
    await writer.write(new Uint8Array([1, 2]))
    await writer.write(new Uint8Array([3]).buffer)
    expect((await reader.read()).value).toBe('text')
    expect((await reader.read()).value).toEqual(new Uint8Array([1, 2]))
    expect((await reader.read()).value).toEqual(new Uint8Array([3]))
    socket.close({ closeCode: 4_000, reason: 'done' })
    expect(await socket.closed).toEqual({ closeCode: 4_000, reason: 'done' })
    expect((await reader.read()).done).toBe(true)
    await expect(writer.write('late')).rejects.toMatchObject({ name: 'InvalidStateError' })
  })

  it.each([
    ['writer.close()', 1_005, ''],
    ['writer.abort()', 1_005, ''],
    ['writer.abort(WebSocketError)', 3_333, 'abort'],
    ['reader.cancel()', 1_005, ''],
    ['reader.cancel(WebSocketError)', 3_333, 'cancel'],
    ['reader.cancel(other error)', 1_005, ''],
    ['close({ reason })', 1_000, 'why'],
  ])('%s sends a Close frame', async (act, code, reason) => {
    const ends: ServerSocket[] = []
    const server = await webSocketServer(fixture, offer, echo(ends))
    const socket = new WebSocketStream(server.url, { client: fixture.client() })
    const { readable, writable } = await socket.opened
    const atServer = once(ends[0]!, 'close')
    if (act === 'writer.close()') await writable.getWriter().close()
    else if (act === 'writer.abort()') await writable.abort()
    else if (act.startsWith('writer')) await writable.abort(new WebSocketError('', { closeCode: 3_333, reason: 'abort' }))
    else if (act === 'reader.cancel()') await readable.cancel()
    else if (act.includes('other')) await readable.cancel(new Error('other'))
    else if (act.startsWith('reader')) await readable.cancel(new WebSocketError('', { closeCode: 3_333, reason: 'cancel' }))
    else socket.close({ reason: 'why' })
    const [codeThere, reasonThere] = await atServer
    expect([codeThere, String(reasonThere)]).toEqual([code, reason])
    expect(await socket.closed).toMatchObject({ closeCode: code })
  })

  it('the close of the server ends the readable stream after its messages', async () => {
    const ends: ServerSocket[] = []
    const server = await webSocketServer(fixture, offer, echo(ends))
    const socket = new WebSocketStream(server.url, { client: fixture.client() })
    const { readable } = await socket.opened
    for (let i = 0; i < 5; i++) ends[0]!.send(`message ${i}`)
    ends[0]!.close(3_001, 'bye')
    const messages: unknown[] = []
    for await (const message of readable) messages.push(message)
    expect(messages).toEqual([0, 1, 2, 3, 4].map((i) => `message ${i}`))
    expect(await socket.closed).toEqual({ closeCode: 3_001, reason: 'bye' })
  })

  it('an end without a Close frame rejects everything with a WebSocketError whose cause says why', async () => {
    const server = await webSocketServer(fixture, offer, { open: (stream) => void stream.resume().end() })
    const socket = new WebSocketStream(server.url, { client: fixture.client() })
    const { readable, writable } = await socket.opened
    const expected = { name: 'WebSocketError', closeCode: 1_006, reason: '', cause: { code: 'ERR_WEBSOCKET_CUT_OFF' } }
    await expect(socket.closed).rejects.toMatchObject(expected)
    await expect(readable.getReader().read()).rejects.toMatchObject(expected)
    await expect(writable.getWriter().write('x')).rejects.toMatchObject(expected)
  })

  it('a refusal rejects opened and closed', async () => {
    const server = await webSocketServer(fixture, offer, { open: () => undefined, answer: () => 401 })
    const socket = new WebSocketStream(server.url, { client: fixture.client() })
    const expected = { name: 'WebSocketError', closeCode: 1_006, cause: { code: 'ERR_WEBSOCKET_REFUSED' } }
    await expect(socket.opened).rejects.toMatchObject(expected)
    await expect(socket.closed).rejects.toMatchObject(expected)
  })

  it('a signal ends the handshake with its reason, and has no effect on an open WebSocket', async () => {
    const reason = new Error('no longer needed')
    const aborted = new WebSocketStream('wss://a.test.example', { client: fixture.client(), signal: AbortSignal.abort(reason) })
    await expect(aborted.opened).rejects.toBe(reason)
    await expect(aborted.closed).rejects.toBe(reason)
    let arrived!: () => void
    const begun = new Promise<void>((resolve) => {
      arrived = resolve
    })
    let release!: () => void
    const controller = new AbortController()
    const server = await webSocketServer(fixture, offer, {
      open: echo().open,
      answer() {
        arrived()
        release?.()
        return {}
      },
    })
    const early = new WebSocketStream(server.url, { client: fixture.client(), signal: controller.signal })
    await begun
    controller.abort(reason)
    await expect(early.opened).rejects.toBe(reason)
    const later = new AbortController()
    const socket = new WebSocketStream(server.url, { client: fixture.client(), signal: later.signal })
    const { writable, readable } = await socket.opened
    later.abort()
    await writable.getWriter().write('still open')
    expect((await readable.getReader().read()).value).toBe('still open')
    release = () => undefined
    socket.close()
    await socket.closed
  })

  it('close() before the response rejects opened and closed', async () => {
    const server = await webSocketServer(fixture, offer, echo())
    const socket = new WebSocketStream(server.url, { client: fixture.client() })
    socket.close()
    await expect(socket.opened).rejects.toMatchObject({ name: 'WebSocketError' })
    await expect(socket.closed).rejects.toMatchObject({ name: 'WebSocketError' })
  })

  it('a reader that is slow holds the server back', async () => {
    const ends: ServerSocket[] = []
    const server = await webSocketServer(fixture, offer, echo(ends))
    const socket = new WebSocketStream(server.url, { client: fixture.client(), compression: false })
    const { readable } = await socket.opened
    for (let i = 0; i < 60; i++) ends[0]!.send(Buffer.alloc(1_000_000, i))
    expect(await settled(() => ends[0]!.bufferedAmount)).toBeGreaterThan(20_000_000)
    let count = 0
    for await (const message of readable) {
      expect((message as Uint8Array)[999_999]).toBe(count)
      if (++count === 60) break
    }
    await socket.closed
  })

  it('a server that is slow holds the writer back', async () => {
    const ends: ServerSocket[] = []
    const server = await webSocketServer(fixture, offer, echo(ends))
    const socket = new WebSocketStream(server.url, { client: fixture.client(), compression: false })
    const { writable, readable } = await socket.opened
    ends[0]!.pause()
    const writer = writable.getWriter()
    let written = 0
    const writing = (async () => {
      for (; written < 60; written++) await writer.write(new Uint8Array(1_000_000))
    })()
    expect(await settled(() => written)).toBeLessThan(40)
    ends[0]!.resume()
    let received = 0
    for await (const message of readable) {
      expect((message as Uint8Array).length).toBe(1_000_000)
      if (++received === 60) break
    }
    await writing
    await socket.closed
  })
})

it('a reader that pauses is not lost to Pings, and an upload that holds a Ping back neither', async () => {
  const ends: ServerSocket[] = []
  const server = await webSocketServer(fixture, H2, echo(ends))
  const socket = new WebSocketStream(server.url, { client: fixture.client(), compression: false, pingIntervalMs: 5 })
  const { readable, writable } = await socket.opened
  for (let i = 0; i < 5; i++) ends[0]!.send(`message ${i}`)
  let pings = 0
  ends[0]!.on('ping', () => pings++)
  while (pings < 5) await once(ends[0]!, 'ping')
  const reader = readable.getReader()
  for (let i = 0; i < 5; i++) expect((await reader.read()).value).toBe(`message ${i}`)
  ends[0]!.pause()
  const writing = writable.getWriter().write(new Uint8Array(30_000_000))
  // As long as some Pings would take: the Ping waits behind the message, so that none is missed.
  await new Promise((resolve) => setTimeout(resolve, 50))
  ends[0]!.resume()
  await writing
  expect(((await reader.read()).value as Uint8Array).length).toBe(30_000_000)
  socket.close()
  await socket.closed
})

it('writer.abort() ends a stream whose write waits for the server', async () => {
  const server = await webSocketServer(fixture, H2, { open: (stream) => void stream.pause() })
  const socket = new WebSocketStream(server.url, { client: fixture.client(), compression: false, closeTimeoutMs: 20 })
  const { writable } = await socket.opened
  const writer = writable.getWriter()
  const writing = writer.write(new Uint8Array(30_000_000))
  writing.catch(() => undefined)
  await settled(() => 0)
  await writer.abort(new WebSocketError('enough', { closeCode: 3_000 }))
  await expect(socket.closed).rejects.toMatchObject({ closeCode: 1_006 })
})

it.each([['3000'], [3_000.9]])('the close code %j is converted as in the standard', async (closeCode) => {
  const server = await webSocketServer(fixture, H2, echo())
  const socket = new WebSocketStream(server.url, { client: fixture.client() })
  await socket.opened
  socket.close({ closeCode: closeCode as number })
  expect((await socket.closed).closeCode).toBe(3_000)
})

it.each([['x'], [Number.NaN], [70_000], [{}]])(
  'the close code %j is a TypeError, and the stream stays open',
  async (closeCode) => {
    const server = await webSocketServer(fixture, H2, echo())
    const socket = new WebSocketStream(server.url, { client: fixture.client() })
    await socket.opened
    expect(() => socket.close({ closeCode: closeCode as number })).toThrow(TypeError)
    expect(() => new WebSocketError('', { closeCode: closeCode as number })).toThrow(TypeError)
    socket.close()
    await socket.closed
  },
)

it('a paused reader does not delay close()', async () => {
  const ends: ServerSocket[] = []
  const server = await webSocketServer(fixture, H2, echo(ends))
  const socket = new WebSocketStream(server.url, { client: fixture.client(), compression: false })
  await socket.opened
  for (let i = 0; i < 60; i++) ends[0]!.send(Buffer.alloc(1_000_000))
  await settled(() => ends[0]!.bufferedAmount)
  socket.close({ closeCode: 1_000 })
  expect(await socket.closed).toMatchObject({ closeCode: 1_000 })
})
