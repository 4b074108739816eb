/**
 * Streams as request content: those that fail before they are read, and those that are not read to
 * their end.
 */

import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { clientBehind } from '../../src/fetch/fetch.js'
import { fetchFixtures, PROTOCOLS } from './fixtures.js'

const fixture = fetchFixtures()
const reason = new Error('the reason')

/** A web stream that yields one part and then stalls, and the reason it was cancelled with. */
function webStream(): { body: ReadableStream<Uint8Array>; cancelled: Promise<unknown> } {
  let tell!: (reason: unknown) => void
  const cancelled = new Promise((resolve) => {
    tell = resolve
  })
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(Buffer.from('begun')),
    cancel: (why) => tell(why),
  }) as unknown as ReadableStream<Uint8Array>
  return { body, cancelled }
}

describe.each(PROTOCOLS)('over %s', (protocol) => {
  const post = (body: unknown, more: object = {}): object => ({ method: 'POST', body, duplex: 'half', ...more })

  it('a file that does not exist rejects fetch and client.request with its own error', async () => {
    const { fetch, url } = await fixture(protocol)
    const missing = (): Readable => createReadStream('/nowhere/at/all')
    const cause = { name: 'StreamError', code: 'ERR_REQUEST_BODY', cause: { code: 'ENOENT' } }
    // This handler responds once all content has arrived.
    await expect(fetch(url('/inspect'), post(missing()))).rejects.toMatchObject({ message: 'fetch failed', cause })
    await expect(clientBehind(fetch)!.request({ url: url('/inspect'), ...post(missing()) } as never)).rejects.toMatchObject(cause)
    // Failed long before the request is made.
    const failed = missing()
    await once(failed, 'error')
    await expect(fetch(url(), post(failed))).rejects.toMatchObject({ name: 'TypeError' })
  })

  it('a stream being sent is cancelled with the reason of the abort', async () => {
    const { fetch, url, origin } = await fixture(protocol)
    const abort = new AbortController()
    const first = webStream()
    const failing = fetch(url('/never'), post(first.body, { signal: abort.signal }))
    const node = new Readable({ read: () => undefined })
    node.push('begun')
    const second = fetch(url('/never'), post(node, { signal: abort.signal }))
    const third = webStream()
    const direct = clientBehind(fetch)!.request({ url: url('/never'), ...post(third.body, { signal: abort.signal }) } as never)
    const fourth = webStream()
    const viaRequest = fetch(new Request(url('/never'), post(fourth.body) as never), { signal: abort.signal })
    const fifth = webStream()
    const progress = { unshard: { onUploadProgress: () => undefined }, signal: abort.signal }
    const counted = fetch(url('/never'), post(fifth.body, progress))
    await origin.delivered(5)
    const closed = new Promise((resolve) => node.once('close', resolve))
    abort.abort(reason)
    for (const each of [failing, second, direct, viaRequest, counted]) await expect(each).rejects.toBe(reason)
    for (const { cancelled } of [first, third, fourth, fifth]) expect(await cancelled).toBe(reason)
    // A Node stream is destroyed with the reason, and its error does not end the process.
    await closed
    expect(node.errored).toBe(reason)
  })

  it('a stream that was never sent is cancelled with the connection error', async () => {
    const { fetch } = await fixture(protocol)
    const { body, cancelled } = webStream()
    await expect(fetch('https://nowhere.example/', post(body))).rejects.toMatchObject({ cause: { code: 'ENOTFOUND' } })
    expect(await cancelled).toMatchObject({ code: 'ENOTFOUND' })
  })

  it('an aborted signal cancels the stream with its reason before anything is sent', async () => {
    const { fetch, url } = await fixture(protocol)
    const { body, cancelled } = webStream()
    await expect(fetch(url(), post(body, { signal: AbortSignal.abort(reason) }))).rejects.toBe(reason)
    expect(await cancelled).toBe(reason)
  })
})

it('an error event of a request stream never ends the process', () => {
  const program = `
    import { createReadStream } from 'node:fs'
    import { Readable } from 'node:stream'
    import { createServer } from 'node:net'
    import { createFetch } from ${JSON.stringify(fileURLToPath(new URL('../../dist/index.js', import.meta.url)))}
    import { Client } from '@unshard/core'
    // A server that never responds: the file fails while the request waits.
    const server = createServer(() => undefined).listen(0)
    await new Promise((resolve) => server.once('listening', resolve))
    const url = 'http://127.0.0.1:' + server.address().port
    const client = new Client()
    const fetch = createFetch(client)
    const seen = []
    const note = (error) => seen.push(error.cause?.code ?? error.code)
    const init = (body = createReadStream('/nowhere')) => ({ method: 'POST', body, duplex: 'half' })
    await fetch(url, init()).catch(note)
    await client.request({ url, ...init() }).catch(note)
    await fetch('http://127.0.0.1:2/', init()).catch(note)
    const slow = new Readable({ read() {} })
    setTimeout(() => slow.destroy(new Error('later')), 20)
    await fetch(url, init(slow)).catch(note)
    const abort = new AbortController()
    setTimeout(() => abort.abort(new Error('enough')), 20)
    await fetch(url, { ...init(new Readable({ read() {} })), signal: abort.signal }).catch((error) => seen.push(error.message))
    await new Promise((resolve) => setTimeout(resolve, 50))
    console.log(seen.join())
    process.exit()`
  const cwd = fileURLToPath(new URL('../..', import.meta.url))
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8', timeout: 20_000, cwd })
  expect([run.stderr, run.stdout.trim()]).toEqual([
    '',
    expect.stringMatching(/^ERR_REQUEST_BODY,ENOENT,ECONNREFUSED,ERR_REQUEST_BODY,enough$/),
  ])
})
