/** Many uploads of streams at once on a new connection, whose server allows few streams (RFC 9113 §5.1.2). */

import { FakeClock, frames, type ScriptedConnection } from '@unshard/testkit'
import { clientFixture } from './fixture.js'

const { client: createClient, peer, server } = clientFixture()
const { headers, rstStream, settings } = frames

/** Far more than a source keeps to be sent again. */
const PART = Buffer.alloc(50_000, 'x')

async function* parts(read: () => void): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < 4; i++) {
    read()
    yield PART
  }
}

it('all are served: content of refused streams has not been read', async () => {
  const lengths: number[] = []
  const origin = await server({
    protocols: ['h2'],
    settings: { maxConcurrentStreams: 5 },
    handler(request, response) {
      let length = 0
      request.on('data', (part: Buffer) => (length += part.length))
      request.on('end', () => {
        lengths.push(length)
        response.end('taken')
      })
    },
  })
  const client = createClient()
  const uploads = Array.from({ length: 40 }, () =>
    client.request({ url: origin.url('a.test.example'), method: 'POST', body: parts(() => undefined) }),
  )
  const texts = await Promise.all(uploads.map(async (upload) => (await upload).text()))
  expect(texts).toEqual(Array(40).fill('taken'))
  expect(lengths).toEqual(Array(40).fill(200_000))
  expect(origin.connections).toBe(1)
})

/** Sends three uploads to a peer that runs a script, and counts the parts that each has read. */
async function three(script: (p: ScriptedConnection) => Promise<void>): Promise<{ reads: number[]; clock: FakeClock }> {
  const clock = new FakeClock()
  const started = await peer(async (p) => {
    await p.preface()
    for (let i = 0; i < 3; i++) await p.nextRequest()
    await script(p)
  })
  const client = createClient({ clock })
  const reads = [0, 0, 0]
  const url = `https://a.test.example:${started.port}/`
  reads.forEach((_, i) => {
    client.request({ url, method: 'POST', body: parts(() => reads[i]!++) }).catch(() => undefined)
  })
  return { reads, clock }
}

async function turns(until: () => boolean): Promise<void> {
  while (!until()) await new Promise(setImmediate)
}

it('the first does not wait for SETTINGS, and the others only as long as for 100 (Continue)', async () => {
  let sent!: () => void
  const arrived = new Promise<void>((resolve) => {
    sent = resolve
  })
  const { reads, clock } = await three(async () => sent())
  await arrived
  await turns(() => reads[0]! > 0)
  expect(reads.slice(1)).toEqual([0, 0])
  clock.advance(1_000)
  await turns(() => reads[1]! > 0 && reads[2]! > 0)
})

it('those beyond the limit wait until another stream has ended', async () => {
  let next!: () => void
  const { reads } = await three(async (p) => {
    p.send(settings({ maxConcurrentStreams: 2 }))
    await new Promise<void>((resolve) => {
      next = resolve
    })
    p.respond(1, 200, [], 'enough')
    p.send(rstStream(1, 0))
  })
  await turns(() => reads[0]! > 0 && reads[1]! > 0)
  for (let i = 0; i < 20; i++) await new Promise(setImmediate)
  expect(reads[2]).toBe(0)
  next()
  await turns(() => reads[2]! > 0)
})

it('content is sent after a response that comes first', async () => {
  const { reads } = await three(async (p) => {
    p.send(settings({ maxConcurrentStreams: 1 }))
    p.send(headers(5, [[':status', '200']]))
  })
  await turns(() => reads[2]! > 0)
  expect(reads[1]).toBe(0)
})

it('a stream that another request has opened is refused without a wait for SETTINGS', async () => {
  const started = await peer(async (p) => {
    await p.preface()
    await p.nextRequest()
  })
  const client = createClient({ clock: new FakeClock() })
  const body = parts(() => undefined)
  const [first, second] = [1, 2].map(() =>
    client.request({ url: `https://a.test.example:${started.port}/`, method: 'POST', body }),
  )
  first!.catch(() => undefined)
  await expect(second).rejects.toMatchObject({ code: 'ERR_BODY_USED' })
})
