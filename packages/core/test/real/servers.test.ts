/** The same client against servers that other people wrote. A server that is not installed is named, not silently passed over. */

import { type ExternalServer, externalServers, SMALL_TEXT, startOriginServer } from '@unshard/testkit'
import { rig } from '../client/rig.js'

const { client, tls, defer } = rig()

async function startNode(options: { tls: { cert: string; key: string } }): Promise<ExternalServer> {
  const server = await startOriginServer({
    ...options,
    protocols: ['h2'],
    handler: (request, response) => {
      if (request.url === '/small.txt') return void response.end(SMALL_TEXT)
      if (request.url === '/1m.bin') return void response.end(Buffer.alloc(1 << 20))
      request.resume().on('end', () => response.end())
    },
  })
  return { name: 'node', port: server.port, pid: process.pid, stop: () => server.close() } as ExternalServer
}

const all: Record<string, (options: { tls: { cert: string; key: string } }) => Promise<ExternalServer | undefined>> = {
  ...externalServers,
  node: startNode,
}

describe.each(Object.keys(all))('%s', (name) => {
  async function start(): Promise<string | undefined> {
    const server = await all[name]!({ tls: await tls() })
    if (server === undefined) {
      console.warn(`${name} is not installed: its tests show nothing here`)
      return undefined
    }
    defer(() => server.stop())
    return `https://a.test.example:${server.port}`
  }

  it('150 cold requests over one connection', async () => {
    const origin = await start()
    if (origin === undefined) return
    const one = client()
    const answers = await Promise.all(
      Array.from({ length: 150 }, async () => (await one.request({ url: `${origin}/small.txt` })).text()),
    )
    expect(answers).toEqual(Array.from({ length: 150 }, () => SMALL_TEXT))
    expect(one.stats()).toMatchObject({ connections: [{ protocol: 'h2', active: 0 }], totals: { dials: 1, replayed: 0 } })
  })

  it('a download that is longer than every window, and an upload that is', async () => {
    const origin = await start()
    if (origin === undefined) return
    const one = client({ streamWindowBytes: 65_535, connectionWindowBytes: 65_535, windowBudgetBytes: 0 })
    const bytes = await (await one.request({ url: `${origin}/1m.bin` })).bytes()
    expect(bytes).toHaveLength(1 << 20)
    const body = Buffer.alloc(3_000_000, 'x')
    const response = await one.request({ url: `${origin}/upload`, method: 'POST', body })
    expect(response.status).toBe(200)
    await response.bytes()
  })

  it('twelve hosts of one certificate at one address stay apart without a policy', async () => {
    const origin = await start()
    if (origin === undefined) return
    const one = client()
    for (const letter of 'abc') {
      const response = await one.request({ url: `${origin.replace('//a.', `//${letter}.`)}/small.txt` })
      expect(await response.text()).toBe(SMALL_TEXT)
      expect(response.connection.coalesced).toBe(false)
    }
    expect(one.stats().totals.dials).toBe(3)
  })

  it('HEAD, a missing file, and an aborted download leave the connection in order', async () => {
    const origin = await start()
    if (origin === undefined) return
    const one = client()
    const head = await one.request({ url: `${origin}/1m.bin`, method: 'HEAD' })
    expect((await head.bytes()).length).toBe(0)
    if (name !== 'node') expect((await one.request({ url: `${origin}/nowhere` })).status).toBe(404)
    const abort = new AbortController()
    const download = await one.request({ url: `${origin}/1m.bin`, signal: abort.signal })
    abort.abort('enough')
    await expect(download.text()).rejects.toBe('enough')
    expect(await (await one.request({ url: `${origin}/small.txt` })).text()).toBe(SMALL_TEXT)
    expect(one.stats().totals.dials).toBe(1)
  })
})
