/**
 * Responses that two implementations may frame differently (RFC 9112 §6, §7, §9.2): each is read as
 * the standard says or is a typed error, and no byte of it reaches another request.
 */

import { Client } from '../../src/index.js'
import { FORMS, type Form, malformedError } from './desync-forms.js'
import { type RawServer, startRawServer } from './raw-server.js'

const closers: (() => unknown)[] = []
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close()
})

/** Answers the first request with the form and all others with "next". */
async function serve({ answer, close }: Form): Promise<RawServer> {
  const server = await startRawServer({
    async onRequest(line) {
      if (line !== server.lines[0] || line.requests.length > 1) {
        line.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nnext')
        return
      }
      for (const part of typeof answer === 'string' ? [answer] : answer) {
        await new Promise<void>((resolve) => void line.socket.write(Buffer.from(part, 'latin1'), () => setImmediate(resolve)))
      }
      if (close === true) line.socket.end()
    },
  })
  closers.push(() => server.close())
  return server
}

it(`the list has ${Object.keys(FORMS).length} forms, at least 72`, () => {
  expect(Object.keys(FORMS).length).toBeGreaterThanOrEqual(72)
})

it.each(Object.entries(FORMS))(
  '%s: the response is read or refused, and the next request receives its own',
  async (_title, form) => {
    const server = await serve(form)
    const client = new Client({ maxConnectionsPerOrigin: 1, replay: 0 })
    closers.push(() => client.destroy())
    // The second request waits for this connection or the next one, and must not receive the rest
    // of the first response.
    const first = client.request({ url: server.url, method: form.method ?? 'POST' })
    const second = client.request({ url: `${server.url}/next` })
    const read = first.then(async (response) => ({ response, content: Buffer.from(await response.bytes()).toString('latin1') }))
    if (form.content === undefined) {
      await expect(read).rejects.toMatchObject(form.error ?? malformedError)
    } else {
      const { response, content } = await read
      expect(content).toBe(form.content)
      expect(response.status).toBe(form.status ?? 200)
      expect(response.headers.toObject()).toMatchObject(form.fields ?? {})
      if (form.reason !== undefined) expect(response.statusText).toBe(form.reason)
      if (form.trailers !== undefined) expect(response.trailers!.list).toEqual(form.trailers)
    }
    expect(await (await second).text()).toBe('next')
    expect(await (await client.request({ url: `${server.url}/later` })).text()).toBe('next')
    expect(server.lines[0]!.requests).toHaveLength(form.reused === true ? 3 : 1)
  },
)
