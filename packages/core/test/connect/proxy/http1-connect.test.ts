/** CONNECT over HTTP/1.1 with a scripted proxy that sends its response in pieces. */

import net, { type AddressInfo, type Socket } from 'node:net'
import { connectOverHttp1, tunnelAuthority } from '../../../src/connect/proxy/http1-connect.js'
import { checkProxy, type ProxySetting } from '../../../src/connect/proxy/proxy-options.js'
import { targetOf } from '../../pool/fakes.js'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

interface Connections {
  readonly client: Socket
  readonly proxy: Socket
  /** Returns all bytes that the proxy received. */
  readonly received: () => string
}

async function startProxy(): Promise<Connections> {
  const server = net.createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve))
  const client = net.connect((server.address() as AddressInfo).port, '127.0.0.1')
  const proxy = (await accepted).on('error', () => undefined)
  let received = ''
  proxy.on('data', (chunk) => {
    received += chunk.toString('latin1')
  })
  closers.push(
    () => client.destroy(),
    () => proxy.destroy(),
    () => void server.close(),
  )
  return { client, proxy, received: () => received }
}

const target = targetOf('https://a.test.example/')
const never = new AbortController().signal

function sendConnect(client: Socket, setting: ProxySetting = 'http://proxy.example:3128'): Promise<void> {
  return connectOverHttp1(client, checkProxy(setting, 'option proxy'), target, never)
}

function next(socket: Socket): Promise<string> {
  return new Promise((resolve) => socket.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1'))))
}

it.each([
  ['https://a.test.example/', 'a.test.example:443'],
  ['http://a.test.example/', 'a.test.example:80'],
  ['https://a.test.example:8443/', 'a.test.example:8443'],
  ['https://[2001:db8::1]/', '[2001:db8::1]:443'],
])('the request target for %s is %s, with host and port', (url, authority) => {
  expect(tunnelAuthority(targetOf(url))).toBe(authority)
})

it('CONNECT is sent with host and the fields for the proxy, and no other field', async () => {
  const { client, proxy, received } = await startProxy()
  const connecting = sendConnect(client, { url: 'http://u:p@proxy.example', headers: { 'X-Tenant': 'red' } })
  await next(proxy)
  proxy.write('HTTP/1.1 200 Connection established\r\n\r\n')
  await connecting
  expect(received()).toBe(
    'CONNECT a.test.example:443 HTTP/1.1\r\nhost: a.test.example:443\r\nx-tenant: red\r\nproxy-authorization: Basic dTpw\r\n\r\n',
  )
})

it.each([
  ['a 200', 'HTTP/1.1 200 OK\r\n\r\n'],
  ['a response over HTTP/1.0', 'HTTP/1.0 200 Connection established\r\n\r\n'],
  ['a response without a reason phrase', 'HTTP/1.1 200\r\n\r\n'],
  ['a response with an empty reason phrase', 'HTTP/1.1 200 \r\n\r\n'],
  ['a 204', 'HTTP/1.1 204 No Content\r\n\r\n'],
  ['a 299 with fields', 'HTTP/1.1 299 Fine\r\nVia: x\r\nempty:\r\n\r\n'],
  [
    'a response after interim responses',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
  ],
  [
    'a response with content-length and transfer-encoding (RFC 9110 §9.3.6)',
    'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n',
  ],
])('%s opens a tunnel, and the bytes after it belong to the tunnel, however they are split', async (_title, answer) => {
  const all = `${answer}first words`
  for (let cut = 1; cut < all.length; cut += cut < answer.length - 4 ? 7 : 1) {
    const { client, proxy } = await startProxy()
    const connecting = sendConnect(client)
    await next(proxy)
    proxy.write(all.slice(0, cut), 'latin1')
    // The bytes of the first part have been read.
    await new Promise<void>((resolve) => client.once('data', () => resolve()))
    proxy.write(all.slice(cut), 'latin1')
    await connecting
    proxy.end(', and last')
    let tunneled = ''
    for await (const chunk of client) tunneled += (chunk as Buffer).toString('latin1')
    expect(tunneled).toBe('first words, and last')
  }
})

describe('a proxy response is refused', () => {
  it.each<[string, string, RegExp]>([
    ['if it is garbage', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', /not HTTP\/1/],
    ['if it is garbage without an end of line', 'x', /not HTTP\/1/],
    ['if it is an HTTP/2 frame', '\0\0\0\x04\0\0\0\0\0', /not HTTP\/1/],
    ['if its version is HTTP/2', 'HTTP/2 200 OK\r\n\r\n', /not HTTP\/1/],
    ['if its version is HTTP/1.2', 'HTTP/1.2 200 OK\r\n\r\n', /malformed status line/],
    ['if its status has two digits', 'HTTP/1.1 20 OK\r\n\r\n', /malformed status line/],
    ['if its status has four digits', 'HTTP/1.1 2000 OK\r\n\r\n', /malformed status line/],
    ['if its status is below 100', 'HTTP/1.1 099 OK\r\n\r\n', /malformed status line/],
    ['if its head has LF without CR', 'HTTP/1.1 200 OK\nx: y\n\r\n\r\n', /malformed status line/],
    ['if its head has CR without LF', 'HTTP/1.1 200 OK\rx: y\r\n\r\n', /malformed status line/],
    ['if its reason phrase contains NUL', 'HTTP/1.1 200 O\0K\r\n\r\n', /malformed status line/],
    ['if a field has no colon', 'HTTP/1.1 200 OK\r\nnonsense\r\n\r\n', /malformed field/],
    ['if a field has a space before the colon', 'HTTP/1.1 200 OK\r\nx : y\r\n\r\n', /malformed field/],
    ['if a field is folded', 'HTTP/1.1 200 OK\r\nx: y\r\n z\r\n\r\n', /malformed field/],
    ['if a field has an empty name', 'HTTP/1.1 200 OK\r\n: y\r\n\r\n', /malformed field/],
    ['if a field value contains LF', 'HTTP/1.1 200 OK\r\nx: y\nz: a\r\n\r\n', /malformed field/],
    ['if its status is 101', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', /status 101/],
    ['if its head has 17 KB', `HTTP/1.1 200 OK\r\n${`x: ${'y'.repeat(1_000)}\r\n`.repeat(17)}\r\n`, /more than 16384 bytes/],
    ['if its head has no end', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(17_000)}`, /more than 16384 bytes/],
    ['if interim responses do not end', 'HTTP/1.1 102 Wait\r\n\r\n'.repeat(1_000), /more than 16384 bytes/],
  ])('%s', async (_title, answer, expected) => {
    const { client, proxy } = await startProxy()
    const connecting = sendConnect(client, 'http://user:hunter2@proxy.example:3128')
    connecting.catch(() => undefined)
    await next(proxy)
    proxy.write(answer, 'latin1')
    const closed = new Promise((resolve) => proxy.once('close', resolve))
    const error = await connecting.then(
      () => undefined,
      (reason: Error) => reason,
    )
    expect(error).toMatchObject({ name: 'ConnectError', phase: 'proxy', code: 'ERR_CONNECT_PROXY', processed: 'no' })
    expect(error!.message).toMatch(expected)
    expect(error!.message).toContain('proxy http://proxy.example:3128 ')
    expect(error!.message).toContain('https://a.test.example')
    expect(error!.message).not.toContain('hunter2')
    expect(client.destroyed).toBe(true)
    await closed
  })

  it.each<[string, string]>([
    ['before the head', ''],
    ['in the middle of the head', 'HTTP/1.1 200 OK\r\nx:'],
    ['after an interim response', 'HTTP/1.1 100 Continue\r\n\r\n'],
  ])('if the proxy closes the connection %s', async (_title, answer) => {
    const { client, proxy } = await startProxy()
    const connecting = sendConnect(client)
    connecting.catch(() => undefined)
    await next(proxy)
    proxy.end(answer)
    await expect(connecting).rejects.toMatchObject({ phase: 'proxy', message: expect.stringContaining('closed the connection') })
    expect(client.destroyed).toBe(true)
  })

  it('if the proxy resets the connection', async () => {
    const { client, proxy } = await startProxy()
    const connecting = sendConnect(client)
    connecting.catch(() => undefined)
    await next(proxy)
    proxy.resetAndDestroy()
    await expect(connecting).rejects.toMatchObject({ phase: 'proxy', cause: { code: 'ECONNRESET' } })
  })
})

it.each([
  [407, 'ERR_PROXY_AUTHENTICATION'],
  [403, 'ERR_CONNECT_PROXY'],
  [502, 'ERR_CONNECT_PROXY'],
  [301, 'ERR_CONNECT_PROXY'],
  [999, 'ERR_CONNECT_PROXY'],
])('status %i is a refusal, and the error has the status', async (status, code) => {
  const { client, proxy } = await startProxy()
  const connecting = sendConnect(client)
  connecting.catch(() => undefined)
  await next(proxy)
  proxy.write(`HTTP/1.1 ${status} hunter2\r\ncontent-length: 100\r\n\r\nhunter2`)
  const error = await connecting.then(
    () => undefined,
    (reason: Error) => reason,
  )
  expect(error).toMatchObject({ name: 'ConnectError', phase: 'proxy', code, status })
  expect(error!.message).not.toContain('hunter2')
  expect(client.destroyed).toBe(true)
})

it('an abort ends CONNECT before or after it is sent', async () => {
  const { client, proxy } = await startProxy()
  const abort = new AbortController()
  const server = checkProxy('http://proxy.example', 'option proxy')
  const connecting = connectOverHttp1(client, server, target, abort.signal)
  connecting.catch(() => undefined)
  await next(proxy)
  abort.abort('enough')
  await expect(connecting).rejects.toBe('enough')
  expect(client.destroyed).toBe(true)
  const late = await startProxy()
  await expect(connectOverHttp1(late.client, server, target, abort.signal)).rejects.toBe('enough')
  expect(late.client.destroyed).toBe(true)
  expect(late.received()).toBe('')
})
