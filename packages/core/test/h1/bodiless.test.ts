/**
 * Responses without content whose content-length describes another response (RFC 9110 §8.6,
 * §15.4.5).
 */

import { once } from 'node:events'
import { createServer } from 'node:net'
import { Client } from '../../src/index.js'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/**
 * Starts a server that sends `answer` for every request, and ends the connection if `answer`
 * contains `connection: close`.
 */
async function serve(answer: string): Promise<{ client: Client; url: string }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', () => (answer.includes('connection: close') ? socket.end(answer) : socket.write(answer)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = new Client({})
  closers.push(() => new Promise((resolve) => server.close(resolve)))
  closers.push(() => client.destroy())
  return { client, url: `http://127.0.0.1:${(server.address() as { port: number }).port}/` }
}

it.each([
  ['GET', 204],
  ['GET', 304],
  ['HEAD', 200],
])('a response to %s with status %i and content-length 70,000 is complete without content, twice', async (method, status) => {
  const { client, url } = await serve(`HTTP/1.1 ${status} -\r\ncontent-length: 70000\r\netag: "x"\r\n\r\n`)
  for (let i = 0; i < 2; i++) {
    const response = await client.request({ method, url })
    expect(response.status).toBe(status)
    expect(response.headers.get('content-length')).toBe('70000')
    expect(await response.bytes()).toHaveLength(0)
    expect(response.complete).toBe(true)
  }
})

it('missing content of a 200 to GET is an error', async () => {
  const { client, url } = await serve('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 70000\r\n\r\n')
  const response = await client.request({ url })
  await expect(response.bytes()).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_/) })
})
