/** CONNECT over HTTP/1.1 with a scripted proxy that sends its response in pieces. */

import net, { type AddressInfo, type Socket } from 'node:net'
import { connectOverHttp1, tunnelAuthority } from '../../../src/connect/proxy/http1-connect.js'
import { checkProxy, type ProxySetting } from '../../../src/connect/proxy/proxy-options.js'
import { targetOf } from '../../pool/fakes.js'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

interface Meeting {
  readonly client: Socket
  readonly proxy: Socket
  /** All bytes sent to the proxy. */
  readonly heard: () => string
}

async function meet(): Promise<Meeting> {
  const server = net.createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve))
  const client = net.connect((server.address() as AddressInfo).port, '127.0.0.1')
  const proxy = (await accepted).on('error', () => undefined)
  let heard = ''
  proxy.on('data', (chunk) => {
    heard += chunk.toString('latin1')
  })
  closers.push(
    () => client.destroy(),
    () => proxy.destroy(),
    () => void server.close(),
  )
  return { client, proxy, heard: () => heard }
}

const target = targetOf('https://a.test.example/')
const never = new AbortController().signal

function ask(client: Socket, setting: ProxySetting = 'http://proxy.example:3128'): Promise<void> {
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
])('the request target for %s is %s, always with host and port', (url, authority) => {
  expect(tunnelAuthority(targetOf(url))).toBe(authority)
})

it('sends CONNECT with host and the fields for the proxy, and nothing else', async () => {
  const { client, proxy, heard } = await meet()
  const asking = ask(client, { url: 'http://u:p@proxy.example', headers: { 'X-Tenant': 'red' } })
  await next(proxy)
  proxy.write('HTTP/1.1 200 Connection established\r\n\r\n')
  await asking
  expect(heard()).toBe(
    'CONNECT a.test.example:443 HTTP/1.1\r\nhost: a.test.example:443\r\nx-tenant: red\r\nproxy-authorization: Basic dTpw\r\n\r\n',
  )
})

it.each([
  ['200', 'HTTP/1.1 200 OK\r\n\r\n'],
  ['HTTP/1.0', 'HTTP/1.0 200 Connection established\r\n\r\n'],
  ['no reason phrase', 'HTTP/1.1 200\r\n\r\n'],
  ['an empty reason phrase', 'HTTP/1.1 200 \r\n\r\n'],
  ['204', 'HTTP/1.1 204 No Content\r\n\r\n'],
  ['299 and fields', 'HTTP/1.1 299 Fine\r\nVia: x\r\nempty:\r\n\r\n'],
  ['interim answers', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'],
  ['RFC 9110 §9.3.6: lengths that mean nothing', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n'],
])('%s opens a tunnel, and bytes after it belong to the tunnel, however they are split', async (_title, answer) => {
  const all = `${answer}first words`
  for (let cut = 1; cut < all.length; cut += cut < answer.length - 4 ? 7 : 1) {
    const { client, proxy } = await meet()
    const asking = ask(client)
    await next(proxy)
    proxy.write(all.slice(0, cut), 'latin1')
    // The bytes after the first part have been read.
    await new Promise<void>((resolve) => client.once('data', () => resolve()))
    proxy.write(all.slice(cut), 'latin1')
    await asking
    proxy.end(', and last')
    let told = ''
    for await (const chunk of client) told += (chunk as Buffer).toString('latin1')
    expect(told).toBe('first words, and last')
  }
})

describe('an invalid response', () => {
  it.each<[string, string, RegExp]>([
    ['garbage', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', /not HTTP\/1/],
    ['garbage without an end of line', 'x', /not HTTP\/1/],
    ['an HTTP/2 frame', '\0\0\0\x04\0\0\0\0\0', /not HTTP\/1/],
    ['HTTP/2 in words', 'HTTP/2 200 OK\r\n\r\n', /not HTTP\/1/],
    ['HTTP/1.2', 'HTTP/1.2 200 OK\r\n\r\n', /malformed status line/],
    ['two digits', 'HTTP/1.1 20 OK\r\n\r\n', /malformed status line/],
    ['four digits', 'HTTP/1.1 2000 OK\r\n\r\n', /malformed status line/],
    ['a status below 100', 'HTTP/1.1 099 OK\r\n\r\n', /malformed status line/],
    ['line feeds alone in the head', 'HTTP/1.1 200 OK\nx: y\n\r\n\r\n', /malformed status line/],
    ['a carriage return alone', 'HTTP/1.1 200 OK\rx: y\r\n\r\n', /malformed status line/],
    ['NUL in the reason', 'HTTP/1.1 200 O\0K\r\n\r\n', /malformed status line/],
    ['a field without a colon', 'HTTP/1.1 200 OK\r\nnonsense\r\n\r\n', /malformed field/],
    ['a space before the colon', 'HTTP/1.1 200 OK\r\nx : y\r\n\r\n', /malformed field/],
    ['a folded field', 'HTTP/1.1 200 OK\r\nx: y\r\n z\r\n\r\n', /malformed field/],
    ['an empty field name', 'HTTP/1.1 200 OK\r\n: y\r\n\r\n', /malformed field/],
    ['a line feed in a value', 'HTTP/1.1 200 OK\r\nx: y\nz: a\r\n\r\n', /malformed field/],
    ['101 without an upgrade', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', /status 101/],
    ['a head of 17 KB', `HTTP/1.1 200 OK\r\n${`x: ${'y'.repeat(1_000)}\r\n`.repeat(17)}\r\n`, /more than 16384 bytes/],
    ['a head without end', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(17_000)}`, /more than 16384 bytes/],
    ['interim answers without end', 'HTTP/1.1 102 Wait\r\n\r\n'.repeat(1_000), /more than 16384 bytes/],
  ])('%s', async (_title, answer, why) => {
    const { client, proxy } = await meet()
    const asking = ask(client, 'http://user:hunter2@proxy.example:3128')
    asking.catch(() => undefined)
    await next(proxy)
    proxy.write(answer, 'latin1')
    const closed = new Promise((resolve) => proxy.once('close', resolve))
    const error = await asking.then(
      () => undefined,
      (reason: Error) => reason,
    )
    expect(error).toMatchObject({ name: 'ConnectError', phase: 'proxy', code: 'ERR_CONNECT_PROXY', processed: 'no' })
    expect(error!.message).toMatch(why)
    expect(error!.message).toContain('proxy http://proxy.example:3128 ')
    expect(error!.message).toContain('https://a.test.example')
    expect(error!.message).not.toContain('hunter2')
    expect(client.destroyed).toBe(true)
    await closed
  })

  it.each<[string, string]>([
    ['before the head', ''],
    ['in the middle of it', 'HTTP/1.1 200 OK\r\nx:'],
    ['after an interim answer', 'HTTP/1.1 100 Continue\r\n\r\n'],
  ])('the proxy closes %s', async (_title, answer) => {
    const { client, proxy } = await meet()
    const asking = ask(client)
    asking.catch(() => undefined)
    await next(proxy)
    proxy.end(answer)
    await expect(asking).rejects.toMatchObject({ phase: 'proxy', message: expect.stringContaining('closed the connection') })
    expect(client.destroyed).toBe(true)
  })

  it('the proxy resets the connection', async () => {
    const { client, proxy } = await meet()
    const asking = ask(client)
    asking.catch(() => undefined)
    await next(proxy)
    proxy.resetAndDestroy()
    await expect(asking).rejects.toMatchObject({ phase: 'proxy', cause: { code: 'ECONNRESET' } })
  })
})

it.each([
  [407, 'ERR_PROXY_AUTHENTICATION'],
  [403, 'ERR_CONNECT_PROXY'],
  [502, 'ERR_CONNECT_PROXY'],
  [301, 'ERR_CONNECT_PROXY'],
  [999, 'ERR_CONNECT_PROXY'],
])('%i is a refusal, and the error has its status', async (status, code) => {
  const { client, proxy } = await meet()
  const asking = ask(client)
  asking.catch(() => undefined)
  await next(proxy)
  proxy.write(`HTTP/1.1 ${status} hunter2\r\ncontent-length: 100\r\n\r\nhunter2`)
  const error = await asking.then(
    () => undefined,
    (reason: Error) => reason,
  )
  expect(error).toMatchObject({ name: 'ConnectError', phase: 'proxy', code, status })
  expect(error!.message).not.toContain('hunter2')
  expect(client.destroyed).toBe(true)
})

it('aborted by its signal, before or after CONNECT was sent', async () => {
  const { client, proxy } = await meet()
  const abort = new AbortController()
  const server = checkProxy('http://proxy.example', 'option proxy')
  const asking = connectOverHttp1(client, server, target, abort.signal)
  asking.catch(() => undefined)
  await next(proxy)
  abort.abort('enough')
  await expect(asking).rejects.toBe('enough')
  expect(client.destroyed).toBe(true)
  const late = await meet()
  await expect(connectOverHttp1(late.client, server, target, abort.signal)).rejects.toBe('enough')
  expect(late.client.destroyed).toBe(true)
  expect(late.heard()).toBe('')
})
