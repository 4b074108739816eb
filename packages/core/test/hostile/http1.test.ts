/** Rows H01 to H07 of the matrix, and G17 to G20 over HTTP/1.1: the parser is llhttp, strict. H08 to H10 are fetch's. */

import { createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import type { Client, HttpResponse } from '../../src/index.js'
import { clientFixture } from '../client/fixture.js'
import { gate, memory, until } from './rig.js'

const world = clientFixture()
const { client, defer } = world

type Say = (socket: Socket, connection: number, request: number) => void

interface Actors {
  readonly one: Client
  request(method?: string): Promise<HttpResponse>
  connections(): number
}

/** A raw server that says something on each request, and a client; another origin is asked before and after. */
async function stage(scheme: string, say: Say): Promise<Actors> {
  const credentials = await world.tls()
  let connections = 0
  const accept = (socket: Socket): void => {
    const connection = connections++
    let requests = 0
    socket.on('error', () => undefined)
    socket.on('data', () => say(socket, connection, requests++))
    defer(() => socket.destroy())
  }
  const listening =
    scheme === 'https' ? createTlsServer({ ...credentials, ALPNProtocols: ['http/1.1'] }, accept) : createServer(accept)
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  defer(() => listening.close())
  const other = await world.server({ protocols: ['http/1.1'], ...(scheme === 'http' && { tls: undefined }) })
  const one = client()
  const url = other.url('b.test.example')
  const slow = await one.request({ url: `${url}/slow` })
  defer(async () => {
    other.release()
    expect(await slow.text()).toBe('released')
    expect((await one.request({ url })).status).toBe(200)
  })
  const target = `${scheme}://a.test.example:${(listening.address() as { port: number }).port}/`
  return { one, request: (method = 'GET') => one.request({ url: target, method }), connections: () => connections }
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
const status = 'HTTP/1.1 200 OK\r\n'
const chunked = `${status}transfer-encoding: chunked\r\n\r\n`
const bad = { name: 'ResponseError', code: 'ERR_MALFORMED_RESPONSE' }
const large = { name: 'ResponseError', code: 'ERR_RESPONSE_TOO_LARGE' }

const refused: [title: string, answer: string, error: object][] = [
  ['H01 Transfer-Encoding and Content-Length', `${status}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n`, bad],
  ['H01 Content-Length and Transfer-Encoding', `${status}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, bad],
  ['H02 two different Content-Length', `${status}content-length: 2\r\ncontent-length: 3\r\n\r\nabc`, bad],
  ['H02 a Content-Length list', `${status}content-length: 2, 3\r\n\r\nabc`, bad],
  ['H03 chunk size +2', `${chunked}+2\r\nok\r\n0\r\n\r\n`, bad],
  ['H03 chunk size 0x2', `${chunked}0x2\r\nok\r\n0\r\n\r\n`, bad],
  ['H03 chunk size of 17 digits', `${chunked}10000000000000002\r\nok\r\n0\r\n\r\n`, bad],
  ['H03 a space before the chunk size', `${chunked} 2\r\nok\r\n0\r\n\r\n`, bad],
  ['H03 a chunk that ends without CR LF', `${chunked}2\r\nokX0\r\n\r\n`, bad],
  ['H03 chunk lines that end with LF alone', `${chunked}2\nok\n0\n\n`, bad],
  ['H04 lines that end with LF alone', 'HTTP/1.1 200 OK\na: b\ncontent-length: 2\n\nok', bad],
  ['H04 a fold behind the status line', `${status} c\r\ncontent-length: 2\r\n\r\nok`, bad],
  ['H04 a bare CR in a value', `${status}a: b\rc\r\ncontent-length: 0\r\n\r\n`, bad],
  ['H04 a NUL in a value', `${status}a: b\0c\r\ncontent-length: 0\r\n\r\n`, bad],
  ['H04 a space before the colon', `${status}a : b\r\ncontent-length: 0\r\n\r\n`, bad],
  ['H04 a space in a name', `${status}a b: c\r\ncontent-length: 0\r\n\r\n`, bad],
  ['H04 a field without a colon', `${status}nothing\r\ncontent-length: 0\r\n\r\n`, bad],
  ['H05 no status line (HTTP/0.9)', '<html>hello</html>', bad],
  ['H05 a status of two digits', 'HTTP/1.1 20 OK\r\ncontent-length: 0\r\n\r\n', bad],
  ['H07 101 that nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nok', bad],
  ['H07 101 without a word', 'HTTP/1.1 101 Switching Protocols\r\n\r\nok', bad],
  ['H06 a line of 100 KiB', `${status}a: ${'x'.repeat(102_400)}\r\ncontent-length: 0\r\n\r\n`, large],
  ['H06 1,001 fields in 54 kB', `${status}${'a: b\r\n'.repeat(1_001)}\r\n`, large],
  ['D16 1xx without end', `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(3_000)}${status}content-length: 0\r\n\r\n`, large],
  ['H03 CVE-2023-39326 a chunk extension of 1 MB', `${chunked}2;${'x'.repeat(1_000_000)}\r\nok\r\n0\r\n\r\n`, large],
  ['H06 100,000 fields', `${status}${'a: b\r\n'.repeat(100_000)}content-length: 0\r\n\r\n`, large],
]

it('I05 RFC 6265 §5.4 several cookie fields go as one over HTTP/1.1', async () => {
  const seen: string[] = []
  const origin = await world.server({
    protocols: ['http/1.1'],
    handler: (request, response) => {
      for (let i = 0; i < request.rawHeaders.length; i += 2) {
        const name = request.rawHeaders[i]!.toLowerCase()
        if (name === 'cookie' || name === 'x') seen.push(`${name}: ${request.rawHeaders[i + 1]}`)
      }
      response.end()
    },
  })
  await client().request({ url: origin.url('a.test.example'), headers: { cookie: ['a=1', 'b=2; c=3'], x: ['1', '2'] } })
  expect(seen).toEqual(['x: 1', 'x: 2', 'cookie: a=1; b=2; c=3'])
})

describe.each(['https', 'http'])('over %s', (scheme) => {
  it.each(refused)('%s: an error, and the socket is not used again', async (_title, answer, error) => {
    const actors = await stage(scheme, (socket, connection) =>
      socket.write(connection === 0 ? Buffer.from(answer, 'latin1') : OK),
    )
    await expect(actors.request('POST').then((got) => got.text())).rejects.toMatchObject(error)
    expect(await (await actors.request()).text()).toBe('ok')
    expect(actors.connections()).toBe(2)
  })

  it.each(['chunked, identity', 'xchunked'])(
    'H01 Transfer-Encoding: %s: read to the end of the connection, which is not used again',
    async (coding) => {
      const actors = await stage(scheme, (socket, connection) => {
        if (connection === 0) socket.end(`${status}transfer-encoding: ${coding}\r\n\r\n2\r\nok\r\n0\r\n\r\n${OK}`)
        else socket.write(OK)
      })
      expect(await (await actors.request()).text()).toContain(OK)
      expect(await (await actors.request()).text()).toBe('ok')
      expect(actors.connections()).toBe(2)
    },
  )

  it('H03 CVE-2023-39326 chunk extensions of 1 MB are skipped where the content is as long; nothing of them is kept', async () => {
    const chunk = `3e8;${'x'.repeat(1_000)}\r\n${'y'.repeat(1_000)}\r\n`
    const actors = await stage(scheme, (socket) => socket.write(`${chunked}${chunk.repeat(1_000)}0\r\n\r\n`))
    const before = await memory()
    expect(await (await actors.request()).text()).toHaveLength(1_000_000)
    expect((await memory()) - before).toBeLessThan(4 * 1_048_576)
    expect(actors.connections()).toBe(1)
  })

  it('H04 RFC 9112 §5.2 a folded value is read with blanks in place of the fold', async () => {
    const actors = await stage(scheme, (socket) => socket.write(`${status}a: b\r\n c\r\ncontent-length: 2\r\n\r\nok`))
    const response = await actors.request()
    expect(response.headers.get('a')).toBe('b   c')
    expect(await response.text()).toBe('ok')
    expect(actors.connections()).toBe(1)
  })

  it('D16 a hundred interim responses are no flood', async () => {
    const actors = await stage(scheme, (socket) => socket.write(`${'HTTP/1.1 102 -\r\n\r\n'.repeat(100)}${OK}`))
    expect(await (await actors.request()).text()).toBe('ok')
    expect(actors.connections()).toBe(1)
  })

  it('H05 an empty reason is accepted', async () => {
    const actors = await stage(scheme, (socket) => socket.write('HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\nok'))
    expect(await (await actors.request()).text()).toBe('ok')
  })

  it('G18 CVE-2026-48931 bytes on an idle socket are never the answer to the next request', async () => {
    const said = gate()
    const actors = await stage(scheme, (socket, connection) => {
      if (connection > 0) return void socket.write(OK)
      socket.write(OK, () => setImmediate(() => socket.write(OK.replace('ok', 'no'), () => said.open())))
    })
    expect(await (await actors.request()).text()).toBe('ok')
    await said.promise
    await until(() => actors.one.stats().connections.every(({ origin }) => origin.includes('b.test')))
    expect(await (await actors.request()).text()).toBe('ok')
    expect(actors.connections()).toBe(2)
  })

  it('G17 the server closes the idle socket as we send: a GET is sent again, a POST is an error', async () => {
    const actors = await stage(scheme, (socket, _connection, request) => {
      if (request === 0) socket.write(OK)
      else socket.destroy()
    })
    await (await actors.request()).text()
    expect(await (await actors.request()).text()).toBe('ok')
    await expect(actors.request('POST')).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST', processed: 'unknown' })
    expect(actors.connections()).toBe(2)
  })

  it('G19 RST after a complete response: it stays complete', async () => {
    const actors = await stage(scheme, (socket) =>
      socket.write(OK, () => (scheme === 'http' ? socket.resetAndDestroy() : socket.destroy())),
    )
    expect(await (await actors.request()).text()).toBe('ok')
  })

  it('G20 a connection that ends before the content does: an error, after what came', async () => {
    const actors = await stage(scheme, (socket) =>
      socket.write(`${status}content-length: 10\r\n\r\nhalf`, () => socket.destroy()),
    )
    const answer = await actors.request('POST')
    await expect(answer.text()).rejects.toMatchObject({ processed: 'yes' })
    expect(answer.complete).toBe(false)
  })
})
