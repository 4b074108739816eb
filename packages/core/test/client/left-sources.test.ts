/** Request bodies that fail before they are read, or are abandoned before they are sent. */

import { createReadStream } from 'node:fs'
import { PassThrough, Readable } from 'node:stream'
import { clientFixture } from './fixture.js'

const { client: createClient, server } = clientFixture()

describe.each(['h2', 'http/1.1'] as const)('over %s', (protocol) => {
  it('a stream of a missing file rejects the request with the reason, and the process continues', async () => {
    const origin = await server({ protocols: [protocol] })
    const client = createClient()
    const url = origin.url('a.test.example')
    for (let i = 0; i < 2; i++) {
      const body = createReadStream('/there/is/no/such/file')
      const request = client.request({ url: `${url}/inspect`, method: 'POST', body })
      await expect(request).rejects.toMatchObject({ code: 'ERR_REQUEST_BODY', cause: { code: 'ENOENT' } })
    }
    expect((await client.request({ url })).status).toBe(200)
  })

  it('a stream that has failed already is refused, with its error as the cause', async () => {
    const origin = await server({ protocols: [protocol] })
    const body = new PassThrough()
    const failed = new Promise((resolve) => body.once('error', resolve))
    body.destroy(new Error('out of paper'))
    await failed
    await expect(createClient().request({ url: origin.url('a.test.example'), method: 'POST', body })).rejects.toMatchObject({
      ...{ name: 'UsageError', code: 'ERR_BODY_USED', processed: 'no' },
      cause: { message: 'out of paper' },
    })
  })

  it('an abandoned body receives the reason of the abort', async () => {
    const origin = await server({ protocols: [protocol] })
    const client = createClient()
    const reason = new Error('enough')
    const reasons: unknown[] = []
    const bytes = Buffer.from('x')
    const web = new ReadableStream<Uint8Array>({ start: (c) => c.enqueue(bytes), cancel: (why) => void reasons.push(why) })
    const node = new Readable({ read: () => undefined })
    node.push(bytes)
    const closed = new Promise((resolve) => node.once('close', resolve))
    node.once('error', (why) => reasons.push(why))
    const abort = new AbortController()
    const url = `${origin.url('a.test.example')}/never`
    const requests = [web, node].map((body) => client.request({ url, method: 'POST', body, signal: abort.signal }))
    await origin.delivered(2)
    abort.abort(reason)
    for (const request of requests) await expect(request).rejects.toBe(reason)
    await closed
    expect(reasons).toEqual([reason, reason])
  })
})

it('a body is abandoned by an abort before it is opened; after a failed lookup it can be sent again', async () => {
  const streams = (): [ReadableStream<Uint8Array>, Readable, unknown[]] => {
    const reasons: unknown[] = []
    const web = new ReadableStream<Uint8Array>({ cancel: (why) => void reasons.push(why) })
    const node = new Readable({ read: () => undefined })
    node.once('error', (why) => reasons.push(why))
    return [web, node, reasons]
  }
  // The name is never resolved: no request is sent.
  const client = createClient({ lookup: () => undefined })
  const reason = new Error('enough')
  const abort = new AbortController()
  const [web, node, reasons] = streams()
  const closed = new Promise((resolve) => node.once('close', resolve))
  const requests = [web, node].map((body) =>
    client.request({ url: 'https://a.test.example/', method: 'POST', body, signal: abort.signal }),
  )
  abort.abort(reason)
  for (const request of requests) await expect(request).rejects.toBe(reason)
  await closed
  expect(reasons).toEqual([reason, reason])

  const [failedWeb, failedNode, failures] = streams()
  const failing = createClient({ lookup: (_host, _options, callback) => callback(new Error('no such host'), '', 4) })
  for (const body of [failedWeb, failedNode]) {
    const request = failing.request({ url: 'https://a.test.example/', method: 'POST', body })
    await expect(request).rejects.toMatchObject({ phase: 'resolve' })
  }
  expect([failedNode.destroyed, failedWeb.locked, failures]).toEqual([false, false, []])
})
