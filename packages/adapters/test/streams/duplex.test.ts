import { pipeline } from 'node:stream/promises'
import { openDuplex, openWebDuplex } from '../../src/index.js'
import { rig } from '../rig.js'

const { server, client } = rig()

/** Answers at once and sends back each part as it comes. */
const echo = () => server({ handler: (request, response) => request.pipe(response.writeHead(200) as never) })

describe('openDuplex', () => {
  it('is full duplex over HTTP/2: an answer to the first part before the second is written', async () => {
    const { port } = await echo()
    const { duplex, response } = openDuplex(client(), { url: `https://a.test.example:${port}/` })
    for (const word of ['one', 'two', 'three']) {
      duplex.write(word)
      const [part] = (await new Promise((resolve) => duplex.once('data', (chunk: Buffer) => resolve([chunk])))) as [Buffer]
      expect(part.toString()).toBe(word)
    }
    duplex.end()
    await new Promise((resolve) => duplex.once('end', resolve))
    expect((await response).status).toBe(200)
  })

  it('a pipeline through it comes back whole', async () => {
    const { port } = await echo()
    const { duplex } = openDuplex(client(), { url: `https://a.test.example:${port}/` })
    const source = async function* (): AsyncGenerator<Buffer> {
      for (let i = 0; i < 100; i++) yield Buffer.alloc(20_000, i)
    }
    let length = 0
    await pipeline(source, duplex, async (parts) => {
      for await (const part of parts) length += (part as Buffer).length
    })
    expect(length).toBe(2_000_000)
  })

  it('destroying it resets the stream and leaves the connection healthy', async () => {
    const { port } = await echo()
    const one = client()
    const { duplex, response } = openDuplex(one, { url: `https://a.test.example:${port}/` })
    duplex.write('x')
    await response
    const closed = new Promise((resolve) => duplex.once('close', resolve))
    duplex.destroy()
    await closed
    const again = await one.request({ url: `https://a.test.example:${port}/`, method: 'POST', body: 'still here' })
    expect(await again.text()).toBe('still here')
    expect(one.stats().totals.dials).toBe(1)
  })

  it('a request that fails fails the stream', async () => {
    const { duplex, response } = openDuplex(client(), { url: 'https://nowhere.example/' })
    const error = new Promise((resolve) => duplex.once('error', resolve))
    await expect(response).rejects.toMatchObject({ code: 'ERR_CONNECT_RESOLVE' })
    expect(await error).toMatchObject({ code: 'ERR_CONNECT_RESOLVE' })
  })

  it('as web streams', async () => {
    const { port } = await echo()
    const { readable, writable, response } = openWebDuplex(client(), { url: `https://a.test.example:${port}/` })
    const writer = writable.getWriter()
    await writer.write(Buffer.from('hello'))
    await writer.close()
    expect(await new Response(readable).text()).toBe('hello')
    expect((await response).status).toBe(200)
  })
})
