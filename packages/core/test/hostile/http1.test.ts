/**
 * HTTP/1.1 with strict llhttp: rows H01 to H07 and G17 to G20 of the matrix. H08 to H10 are tested
 * with fetch.
 */

import { createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { Client, HttpResponse } from '../../src/index.js'
import { clientFixture } from '../client/fixture.js'
import { gate, memory, until } from './fixture.js'

const world = clientFixture()
const { client: createClient, defer } = world

type Respond = (socket: Socket, connection: number, request: number) => void

interface Setup {
  readonly client: Client
  request(method?: string): Promise<HttpResponse>
  connections(): number
}

/**
 * Starts a raw server that calls `respond` for each request, and a client with an open response of
 * another origin.
 */
async function open(scheme: string, respond: Respond): Promise<Setup> {
  const credentials = await world.tls()
  let connections = 0
  const accept = (socket: Socket): void => {
    const connection = connections++
    let requests = 0
    socket.on('error', () => undefined)
    socket.on('data', () => respond(socket, connection, requests++))
    defer(() => socket.destroy())
  }
  const listening =
    scheme === 'https' ? createTlsServer({ ...credentials, ALPNProtocols: ['http/1.1'] }, accept) : createServer(accept)
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  defer(() => listening.close())
  const bystander = await world.server({ protocols: ['http/1.1'], ...(scheme === 'http' && { tls: undefined }) })
  const client = createClient()
  const url = bystander.url('b.test.example')
  const slow = await client.request({ url: `${url}/slow` })
  defer(async () => {
    bystander.release()
    expect(await slow.text()).toBe('released')
    expect((await client.request({ url })).status).toBe(200)
  })
  const target = `${scheme}://a.test.example:${(listening.address() as { port: number }).port}/`
  return { client, request: (method = 'GET') => client.request({ url: target, method }), connections: () => connections }
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
const status = 'HTTP/1.1 200 OK\r\n'
const chunked = `${status}transfer-encoding: chunked\r\n\r\n`
const malformedError = { name: 'ResponseError', code: 'ERR_MALFORMED_RESPONSE' }
const tooLargeError = { name: 'ResponseError', code: 'ERR_RESPONSE_TOO_LARGE' }

const refused: [title: string, answer: string, error: object][] = [
  [
    'Transfer-Encoding and Content-Length (H01)',
    `${status}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n`,
    malformedError,
  ],
  [
    'Content-Length and Transfer-Encoding (H01)',
    `${status}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    malformedError,
  ],
  ['two different Content-Length fields (H02)', `${status}content-length: 2\r\ncontent-length: 3\r\n\r\nabc`, malformedError],
  ['a Content-Length list (H02)', `${status}content-length: 2, 3\r\n\r\nabc`, malformedError],
  ['chunk size +2 (H03)', `${chunked}+2\r\nok\r\n0\r\n\r\n`, malformedError],
  ['chunk size 0x2 (H03)', `${chunked}0x2\r\nok\r\n0\r\n\r\n`, malformedError],
  ['a chunk size of 17 digits (H03)', `${chunked}10000000000000002\r\nok\r\n0\r\n\r\n`, malformedError],
  ['a space before the chunk size (H03)', `${chunked} 2\r\nok\r\n0\r\n\r\n`, malformedError],
  ['a chunk that ends without CR LF (H03)', `${chunked}2\r\nokX0\r\n\r\n`, malformedError],
  ['chunk lines that end with a bare LF (H03)', `${chunked}2\nok\n0\n\n`, malformedError],
  ['lines that end with a bare LF (H04)', 'HTTP/1.1 200 OK\na: b\ncontent-length: 2\n\nok', malformedError],
  ['a folded line after the status line (H04)', `${status} c\r\ncontent-length: 2\r\n\r\nok`, malformedError],
  ['a bare CR in a value (H04)', `${status}a: b\rc\r\ncontent-length: 0\r\n\r\n`, malformedError],
  ['a NUL in a value (H04)', `${status}a: b\0c\r\ncontent-length: 0\r\n\r\n`, malformedError],
  ['a space before the colon (H04)', `${status}a : b\r\ncontent-length: 0\r\n\r\n`, malformedError],
  ['a space in a name (H04)', `${status}a b: c\r\ncontent-length: 0\r\n\r\n`, malformedError],
  ['a field without a colon (H04)', `${status}nothing\r\ncontent-length: 0\r\n\r\n`, malformedError],
  ['a response without status line, HTTP/0.9 (H05)', '<html>hello</html>', malformedError],
  ['a status of two digits (H05)', 'HTTP/1.1 20 OK\r\ncontent-length: 0\r\n\r\n', malformedError],
  ['an unrequested 101 (H07)', 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nok', malformedError],
  ['a 101 without fields (H07)', 'HTTP/1.1 101 Switching Protocols\r\n\r\nok', malformedError],
  ['a line of 100 KiB (H06)', `${status}a: ${'x'.repeat(102_400)}\r\ncontent-length: 0\r\n\r\n`, tooLargeError],
  ['a head of 1,001 fields and 54 kB (H06)', `${status}${'a: b\r\n'.repeat(1_001)}\r\n`, tooLargeError],
  [
    'endless interim responses (D16)',
    `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(3_000)}${status}content-length: 0\r\n\r\n`,
    tooLargeError,
  ],
  ['a chunk extension of 1 MB (H03, CVE-2023-39326)', `${chunked}2;${'x'.repeat(1_000_000)}\r\nok\r\n0\r\n\r\n`, tooLargeError],
  ['a head of 100,000 fields (H06)', `${status}${'a: b\r\n'.repeat(100_000)}content-length: 0\r\n\r\n`, tooLargeError],
]

it('several cookie fields are sent as one over HTTP/1.1 (I05, RFC 6265 §5.4)', async () => {
  const received: string[] = []
  const origin = await world.server({
    protocols: ['http/1.1'],
    handler: (request, response) => {
      for (let i = 0; i < request.rawHeaders.length; i += 2) {
        const name = request.rawHeaders[i]!.toLowerCase()
        if (name === 'cookie' || name === 'x') received.push(`${name}: ${request.rawHeaders[i + 1]}`)
      }
      response.end()
    },
  })
  await createClient().request({ url: origin.url('a.test.example'), headers: { cookie: ['a=1', 'b=2; c=3'], x: ['1', '2'] } })
  expect(received).toEqual(['x: 1', 'x: 2', 'cookie: a=1; b=2; c=3'])
})

describe.each(['https', 'http'])('over %s', (scheme) => {
  it.each(refused)('%s causes an error, and the socket is not used again', async (_title, answer, error) => {
    const setup = await open(scheme, (socket, connection) => socket.write(connection === 0 ? Buffer.from(answer, 'latin1') : OK))
    await expect(setup.request('POST').then((got) => got.text())).rejects.toMatchObject(error)
    expect(await (await setup.request()).text()).toBe('ok')
    expect(setup.connections()).toBe(2)
  })

  it.each(['chunked, identity', 'xchunked'])(
    'Transfer-Encoding: %s: the content ends with the connection, which is not used again (H01)',
    async (coding) => {
      const setup = await open(scheme, (socket, connection) => {
        if (connection === 0) socket.end(`${status}transfer-encoding: ${coding}\r\n\r\n2\r\nok\r\n0\r\n\r\n${OK}`)
        else socket.write(OK)
      })
      expect(await (await setup.request()).text()).toContain(OK)
      expect(await (await setup.request()).text()).toBe('ok')
      expect(setup.connections()).toBe(2)
    },
  )

  it('chunk extensions as long as the content are skipped and leave no memory in use (H03, CVE-2023-39326)', async () => {
    const chunk = `3e8;${'x'.repeat(1_000)}\r\n${'y'.repeat(1_000)}\r\n`
    const setup = await open(scheme, (socket) => socket.write(`${chunked}${chunk.repeat(1_000)}0\r\n\r\n`))
    const baseline = await memory()
    expect(await (await setup.request()).text()).toHaveLength(1_000_000)
    expect((await memory()) - baseline).toBeLessThan(4 * 1_048_576)
    expect(setup.connections()).toBe(1)
  })

  it('a folded value is read with spaces in place of the fold (H04, RFC 9112 §5.2)', async () => {
    const setup = await open(scheme, (socket) => socket.write(`${status}a: b\r\n c\r\ncontent-length: 2\r\n\r\nok`))
    const response = await setup.request()
    expect(response.headers.get('a')).toBe('b   c')
    expect(await response.text()).toBe('ok')
    expect(setup.connections()).toBe(1)
  })

  it('a hundred interim responses are accepted (D16)', async () => {
    const setup = await open(scheme, (socket) => socket.write(`${'HTTP/1.1 102 -\r\n\r\n'.repeat(100)}${OK}`))
    expect(await (await setup.request()).text()).toBe('ok')
    expect(setup.connections()).toBe(1)
  })

  it('an empty reason is accepted (H05)', async () => {
    const setup = await open(scheme, (socket) => socket.write('HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\nok'))
    expect(await (await setup.request()).text()).toBe('ok')
  })

  it('bytes on an idle socket are never the response to the next request (G18, CVE-2026-48931)', async () => {
    const written = gate()
    const setup = await open(scheme, (socket, connection) => {
      if (connection > 0) return void socket.write(OK)
      socket.write(OK, () => setImmediate(() => socket.write(OK.replace('ok', 'no'), () => written.open())))
    })
    expect(await (await setup.request()).text()).toBe('ok')
    await written.promise
    await until(() => setup.client.stats().connections.every(({ origin }) => origin.includes('b.test')))
    expect(await (await setup.request()).text()).toBe('ok')
    expect(setup.connections()).toBe(2)
  })

  it('a server that closes an idle socket during a request: a GET is sent again, a POST fails (G17)', async () => {
    const setup = await open(scheme, (socket, _connection, request) => {
      if (request === 0) socket.write(OK)
      else socket.destroy()
    })
    await (await setup.request()).text()
    expect(await (await setup.request()).text()).toBe('ok')
    await expect(setup.request('POST')).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST', processed: 'unknown' })
    expect(setup.connections()).toBe(2)
  })

  it('a complete response stays complete after RST (G19)', async () => {
    const setup = await open(scheme, (socket) =>
      socket.write(OK, () => (scheme === 'http' ? socket.resetAndDestroy() : socket.destroy())),
    )
    expect(await (await setup.request()).text()).toBe('ok')
  })

  it('content that the end of the connection cuts is an error after its first part (G20)', async () => {
    const setup = await open(scheme, (socket) => socket.write(`${status}content-length: 10\r\n\r\nhalf`, () => socket.destroy()))
    const answer = await setup.request('POST')
    await expect(answer.text()).rejects.toMatchObject({ processed: 'yes' })
    expect(answer.complete).toBe(false)
  })
})
