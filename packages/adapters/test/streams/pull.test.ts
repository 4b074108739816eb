import type { OriginHandler } from '@unshard/testkit'
import { type PullEvent, pull } from '../../src/index.js'
import { flood, testEnvironment } from '../environment.js'
import { endless, leaving, PROTOCOLS, speaking, watching } from './kinds.js'

const { server, client } = testEnvironment()
const url = (port: number, path = '/'): string => `https://a.test.example:${port}${path}`

async function typesOf(events: AsyncIterable<PullEvent>): Promise<string[]> {
  const types: string[] = []
  for await (const event of events) if (types.at(-1) !== event.type) types.push(event.type)
  return types
}

describe.each(PROTOCOLS)('pull over %s', (protocol) => {
  it('yields informational, headers, data and trailers in wire order', async () => {
    const handler: OriginHandler = (_request, response) => {
      response.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' })
      response.writeHead(200, { trailer: 'x-sum' })
      response.write('content')
      response.addTrailers({ 'x-sum': '7' })
      response.end()
    }
    const { port } = await server({ handler })
    const seen: PullEvent[] = []
    for await (const event of pull(client(speaking(protocol)), { url: url(port) })) seen.push(event)
    expect(seen.map(({ type }) => type)).toEqual(['informational', 'headers', 'data', 'trailers'])
    expect(seen[0]).toMatchObject({ status: 103 })
    expect(seen[1]).toMatchObject({ status: 200 })
    expect(Buffer.from((seen[2] as Extract<PullEvent, { type: 'data' }>).data).toString()).toBe('content')
    expect((seen[3] as Extract<PullEvent, { type: 'trailers' }>).headers.get('x-sum')).toBe('7')
  })

  it('a response without content and trailers yields only headers', async () => {
    const { port } = await server()
    expect(await typesOf(pull(client(speaking(protocol)), { url: url(port, '/status/204') }))).toEqual(['headers'])
  })

  it('nothing is sent before the first request for an event', async () => {
    const one = client(speaking(protocol))
    const { port, requests } = await server()
    const events = pull(one, { url: url(port) })
    await one.request({ url: url(port, '/json') }).then((response) => response.text())
    expect(requests.map(({ path }) => path)).toEqual(['/json'])
    expect((await events.next()).value).toMatchObject({ type: 'headers' })
    await events.return()
  })

  it('a reader that stops asking holds the peer back', async () => {
    const { handler, sent } = flood()
    const { port } = await server({ handler })
    const events = pull(client(speaking(protocol)), { url: url(port) })
    await events.next()
    // Until nothing moves any more: two checks with event-loop turns in between give the same
    // result.
    for (let before = -1; before !== sent(); ) {
      before = sent()
      for (let turn = 0; turn < 500; turn++) await new Promise((resolve) => setImmediate(resolve))
    }
    expect(sent()).toBeLessThan(16_000_000)
    await events.return()
  })

  it('break resets the stream at once, and the next request is served', async () => {
    const { handler, left } = watching(endless)
    const { port } = await server({
      handler: (request, response) => (request.url === '/' ? handler(request, response) : void response.end('still here')),
    })
    const one = client(speaking(protocol))
    let first = 0
    for await (const event of pull(one, { url: url(port) })) {
      if (event.type === 'headers') first = event.response.connection.id
      if (event.type === 'data') break
    }
    expect(await left).toEqual(leaving(protocol))
    const again = await one.request({ url: url(port, '/again') })
    expect(await again.text()).toBe('still here')
    expect(again.connection.id === first).toBe(protocol === 'h2')
  })

  it('an error thrown in the loop ends the request', async () => {
    const { handler, left } = watching(endless)
    const { port } = await server({ handler })
    const loop = async (): Promise<void> => {
      for await (const event of pull(client(speaking(protocol)), { url: url(port) })) {
        if (event.type === 'data') throw new RangeError('enough')
      }
    }
    await expect(loop()).rejects.toThrow('enough')
    expect(await left).toEqual(leaving(protocol))
  })

  it('return() while a next() is pending resolves that next() as done', async () => {
    const { handler, left } = watching((request) => void request.resume())
    const { port, delivered } = await server({ handler })
    const events = pull(client(speaking(protocol)), { url: url(port) })
    const waiting = events.next()
    await delivered(1)
    await events.return()
    expect(await waiting).toEqual({ done: true, value: undefined })
    expect(await left).toEqual(leaving(protocol))
  })

  it('an abort throws the reason itself in the loop', async () => {
    const { port } = await server({ handler: endless })
    const abort = new AbortController()
    const events = pull(client(speaking(protocol)), { url: url(port), signal: abort.signal })
    await events.next()
    const reason = new Error('changed my mind')
    abort.abort(reason)
    await expect(events.next()).rejects.toBe(reason)
    expect(await events.next()).toEqual({ done: true, value: undefined })
  })

  it('a truncated response throws after the events that have arrived', async () => {
    const { port } = await server()
    const seen: string[] = []
    const loop = async (): Promise<void> => {
      for await (const { type } of pull(client(speaking(protocol)), { url: url(port, '/reset') })) seen.push(type)
    }
    await expect(loop()).rejects.toMatchObject({ processed: 'yes' })
    expect(seen[0]).toBe('headers')
  })
})

describe.each(PROTOCOLS)('rest() over %s', (protocol) => {
  it.each([0, 1, 2])('after %i events resolves with the response and what is left of its body', async (events) => {
    const handler: OriginHandler = (_request, response) => {
      response.writeHead(200, { 'x-a': '1', trailer: 'x-sum' })
      response.write('first ')
      setImmediate(() => {
        response.addTrailers({ 'x-sum': '7' })
        response.end('second')
      })
    }
    const { port } = await server({ handler })
    const events_ = pull(client(speaking(protocol)), { url: url(port) })
    let read = ''
    for (let i = 0; i < events; i++) {
      const { value } = await events_.next()
      if (value?.type === 'data') read += Buffer.from(value.data).toString()
    }
    const response = await events_.rest()
    expect([response.status, response.headers.get('x-a')]).toEqual([200, '1'])
    expect(read + (await response.text())).toBe('first second')
    expect(response.trailers?.get('x-sum')).toBe('7')
    expect(response.connection.id).toBeGreaterThan(0)
    expect(await events_.next()).toEqual({ done: true, value: undefined })
  })

  it('after the end of the iteration is refused', async () => {
    const { port } = await server()
    const events = pull(client(speaking(protocol)), { url: url(port) })
    for await (const _event of events);
    await expect(events.rest()).rejects.toMatchObject({ code: 'ERR_BODY_USED' })
  })

  it('of a request that fails rejects with its error', async () => {
    const events = pull(client({ ...speaking(protocol), reconnectBackoff: false }), { url: url(1) })
    await expect(events.rest()).rejects.toMatchObject({ name: 'ConnectError' })
  })

  it('lets the reader discard the rest', async () => {
    const { handler } = flood()
    const { port } = await server({ handler })
    const one = client(speaking(protocol))
    const response = await pull(one, { url: url(port) }).rest()
    response.discard()
    await one.close()
  })
})

it('each redirect that is followed is an event, unless onRedirect refuses it', async () => {
  const handler: OriginHandler = (request, response) => {
    if (request.url === '/to') return void response.end('there')
    response.writeHead(302, { location: request.url === '/from' ? '/via' : '/to' })
    response.end()
  }
  const { port } = await server({ handler })
  const seen: PullEvent[] = []
  for await (const event of pull(client(), { url: url(port, '/from'), redirect: 'follow' })) seen.push(event)
  expect(seen.map(({ type }) => type)).toEqual(['redirect', 'redirect', 'headers', 'data'])
  expect(seen[0]).toMatchObject({ status: 302, from: url(port, '/from'), to: url(port, '/via') })
  const refused = pull(client(), { url: url(port, '/from'), redirect: 'follow', onRedirect: () => false })
  expect((await refused.next()).value).toMatchObject({ type: 'headers', status: 302 })
  await refused.return()
})
