/** Arguments of `WebSocket` and `WebSocketStream`, as the WebSockets standard checks them. */

import { createWebSocket, WebSocket, WebSocketError, WebSocketStream } from '../../src/web-socket/index.js'
import { httpFixture } from '../http/fixture.js'
import { echo, webSocketServer } from './server.js'

const fixture = httpFixture()

function thrown(act: () => unknown): { name: string; message: string; code?: unknown } {
  try {
    act()
  } catch (error) {
    return error as never
  }
  throw new Error('nothing was thrown')
}

const Both = [
  ['WebSocket', WebSocket],
  ['WebSocketStream', WebSocketStream],
] as const

describe.each(Both)('%s', (_name, Kind) => {
  it.each([
    ['/relative', 'must be absolute'],
    ['wss://', 'must be absolute'],
    ['ftp://a.test', 'begins with wss: or ws:, not "ftp:"'],
    ['mailto:a@b.test', 'begins with wss: or ws:, not "mailto:"'],
    ['wss://a.test/#part', 'has no fragment'],
    ['wss://a.test/#', 'has no fragment'],
  ])('the URL %s is a SyntaxError', (url, text) => {
    expect(thrown(() => new Kind(url))).toMatchObject({ name: 'SyntaxError', message: expect.stringContaining(text) })
  })

  it.each([['two words'], ['a,b'], [''], ['ü'], ['a\n']])('the subprotocol %j is a SyntaxError', (name) => {
    expect(thrown(() => new Kind('wss://a.test', { protocols: [name] })).name).toBe('SyntaxError')
  })

  it('a subprotocol that is given twice is a SyntaxError, in whatever case', () => {
    expect(thrown(() => new Kind('wss://a.test', { protocols: ['chat', 'CHAT'] })).name).toBe('SyntaxError')
  })

  it.each([
    [{ protocol: 'chat' }, 'ERR_UNKNOWN_OPTION', 'did you mean "protocols"?'],
    [{ dispatcher: {} }, 'ERR_UNKNOWN_OPTION', 'dispatcher'],
    [{ client: {} }, 'ERR_INVALID_OPTION', 'client'],
    [{ compression: 1 }, 'ERR_INVALID_OPTION', 'compression'],
    [{ maxMessageBytes: 0 }, 'ERR_INVALID_OPTION', 'maxMessageBytes'],
    [{ pingIntervalMs: -1 }, 'ERR_INVALID_OPTION', 'pingIntervalMs'],
    [{ closeTimeoutMs: 0 }, 'ERR_INVALID_OPTION', 'closeTimeoutMs'],
    [{ closeTimeoutMs: 1.5 }, 'ERR_INVALID_OPTION', 'closeTimeoutMs'],
  ])('the options %j are refused with %s', (options, code, text) => {
    expect(thrown(() => new Kind('wss://a.test', options as never))).toMatchObject({
      code,
      message: expect.stringContaining(text),
    })
  })

  it('http: and https: become ws: and wss:', () => {
    const client = fixture.client({ lookup: (_host, _options, done) => done(new Error('no lookup'), '', 4) })
    expect(new Kind('https://a.test/x', { client }).url).toBe('wss://a.test/x')
    expect(new Kind(new URL('http://a.test'), { client }).url).toBe('ws://a.test/')
  })

  it('has the members of the standard on its prototype, which can be enumerated', () => {
    const members = Object.keys(Kind.prototype)
    expect(members).toEqual(expect.arrayContaining(['url', 'close']))
    expect(Object.prototype.toString.call(Object.create(Kind.prototype))).toBe(`[object ${Kind.name}]`)
  })
})

it('fields of the handshake are refused', async () => {
  const opened = new WebSocketStream('wss://a.test', { headers: { 'Sec-WebSocket-Protocol': 'chat' } }).opened
  await expect(opened).rejects.toMatchObject({ name: 'WebSocketError', cause: { code: 'ERR_FORBIDDEN_FIELD' } })
})

it('createWebSocket() refuses a value that is not a client, and unknown options', () => {
  expect(thrown(() => createWebSocket({} as never, 'wss://a.test'))).toMatchObject({ code: 'ERR_INVALID_OPTION' })
  const options = { protocols: 'chat' } as never
  expect(thrown(() => createWebSocket(fixture.client(), 'wss://a.test', [], options))).toMatchObject({
    code: 'ERR_UNKNOWN_OPTION',
  })
})

it('states are constants of the class and of its instances', () => {
  const states = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 }
  for (const [name, value] of Object.entries(states)) {
    expect(WebSocket[name as keyof typeof states]).toBe(value)
    expect(WebSocket.prototype[name as keyof typeof states]).toBe(value)
    expect(Object.getOwnPropertyDescriptor(WebSocket, name)).toMatchObject({
      writable: false,
      configurable: false,
      enumerable: true,
    })
  }
})

describe('an open WebSocket', () => {
  async function opened(): Promise<WebSocket> {
    const server = await webSocketServer(fixture, { h2: true, connectProtocol: true }, echo())
    const socket = createWebSocket(fixture.client(), server.url)
    expect(thrown(() => socket.send('early'))).toMatchObject({ name: 'InvalidStateError' })
    await new Promise((resolve) => socket.addEventListener('open', resolve))
    return socket
  }

  it.each([[0], [999], [1_001], [1_005], [1_006], [2_999], [5_000], [65_536], [Number.NaN]])(
    'close(%p) is an InvalidAccessError',
    async (code) => {
      const socket = await opened()
      expect(thrown(() => socket.close(code)).name).toBe('InvalidAccessError')
      expect(socket.readyState).toBe(1)
    },
  )

  it('a reason over 123 bytes is a SyntaxError, one of 123 arrives', async () => {
    const socket = await opened()
    expect(thrown(() => socket.close(1_000, 'ü'.repeat(62))).name).toBe('SyntaxError')
    socket.close(1_000, `${'ü'.repeat(61)}x`)
    const { reason } = await new Promise<{ reason: string }>((resolve) => socket.addEventListener('close', resolve))
    expect(reason).toBe(`${'ü'.repeat(61)}x`)
  })

  it('values that are not bytes are sent as text, and binaryType ignores other values', async () => {
    const socket = await opened()
    const next = (): Promise<unknown> =>
      new Promise((resolve) => socket.addEventListener('message', ({ data }) => resolve(data), { once: true }))
    for (const [value, text] of [
      [42, '42'],
      [null, 'null'],
      [{ toString: () => 'own' }, 'own'],
      [[1, 2], '1,2'],
      ['\ud800', '\ufffd'],
    ]) {
      socket.send(value as never)
      expect(await next()).toBe(text)
    }
    socket.binaryType = 'nodebuffer' as never
    expect(socket.binaryType).toBe('blob')
    for (const bytes of [new Uint16Array([1, 2]), new DataView(new Uint16Array([1, 2]).buffer), new Uint16Array([1, 2]).buffer]) {
      socket.send(bytes)
      expect(await next()).toMatchObject({ size: 4 })
    }
    expect(thrown(() => (socket.send as () => void)())).toMatchObject({ name: 'TypeError' })
    expect(thrown(() => socket.send(Symbol('x') as never))).toMatchObject({ name: 'TypeError' })
  })

  it('handlers keep their place when replaced, and other values than functions remove them', async () => {
    const socket = await opened()
    const calls: string[] = []
    socket.onmessage = () => calls.push('first')
    socket.addEventListener('message', () => calls.push('listener'))
    socket.addEventListener('message', { handleEvent: () => calls.push('object') })
    socket.onmessage = function (this: unknown): void {
      calls.push(this === socket ? 'second' : 'other this')
    }
    expect(typeof socket.onmessage).toBe('function')
    const arrived = (): Promise<unknown> => new Promise((resolve) => socket.addEventListener('message', resolve, { once: true }))
    socket.send('1')
    await arrived()
    socket.onmessage = 'x' as never
    expect([socket.onmessage, socket.onopen, socket.onclose, socket.onerror]).toEqual([null, null, null, null])
    socket.send('2')
    await arrived()
    expect(calls).toEqual(['second', 'listener', 'object', 'listener', 'object'])
    const end = new Promise((resolve) => {
      socket.onclose = resolve
    })
    socket.close()
    await end
  })

  it('a message has the origin of the URL, and none arrives after close()', async () => {
    const socket = await opened()
    const origins: string[] = []
    socket.onmessage = ({ origin }) => origins.push(origin)
    socket.send('1')
    await new Promise((resolve) => socket.addEventListener('message', resolve, { once: true }))
    socket.send('2')
    socket.close()
    await new Promise((resolve) => socket.addEventListener('close', resolve))
    expect(origins).toEqual([new URL(socket.url).origin])
    socket.close()
  })
})

it('WebSocketError has the code and reason of the standard', () => {
  const { name, message, closeCode, reason } = new WebSocketError('text', { closeCode: 3_000, reason: 'why' })
  expect({ name, message, closeCode, reason }).toEqual({
    name: 'WebSocketError',
    message: 'text',
    closeCode: 3_000,
    reason: 'why',
  })
  expect(new WebSocketError()).toMatchObject({ message: '', closeCode: null, reason: '' })
  expect(new WebSocketError('', { reason: 'x' }).closeCode).toBe(1_000)
  expect(thrown(() => new WebSocketError('', { closeCode: 1_001 })).name).toBe('InvalidAccessError')
  expect(thrown(() => new WebSocketError('', { reason: 'x'.repeat(124) })).name).toBe('SyntaxError')
  expect(new WebSocketError() instanceof DOMException).toBe(true)
})
