// ORIGIN (RFC 8336) from scripted peers and Node's server: frames that narrow, widen, drain or are
// ignored. Titles end with the row of the coalescing matrix.
import { frames, type OriginServerOptions, type ScriptedConnection, startTestProxy } from '@unshard/testkit'
import { coalescing } from '../../src/index.js'
import { sharingFixture } from './fixture.js'

const NAMES = ['foo.example', 'alt1.example', 'alt2.example']
const { client, defer, get, issue, lookup, peer, serving, until } = sharingFixture({
  'foo.example': '127.0.0.1',
  'alt1.example': '127.0.0.1',
  'bar.example': '127.0.0.1',
})
const trusting = () => coalescing({ mode: 'origin-frame', trustOriginFrame: true })

/** Answers every request with its authority; `say` may send frames first. */
async function answering(say: (p: ScriptedConnection, index: number, count: number, port: number) => void) {
  const tls = await issue({ names: NAMES })
  const started: Awaited<ReturnType<typeof peer>> = await peer(
    async (p, index) => {
      await p.handshake()
      say(p, index, 0, started.port)
      for (let count = 1; ; count++) {
        const { streamId, authority } = await p.nextRequest()
        say(p, index, count, started.port)
        p.respond(streamId, 200, [], authority)
      }
    },
    { tls },
  )
  const at = (host: string): string => `https://${host}.example:${started.port}`
  return { started, at }
}

it('Firefox’s test_origin.js: K41 K42 K43 K44 K45 K46 K47 K48 K49 K50', async () => {
  const { started, at } = await answering((p, index, count, port) => {
    const listed = ['alt1', 'alt2', 'bar'].map((host) => `https://${host}.example:${port}`)
    // K44: an empty frame with the answer to the fourth request; K46: a list on the next connection
    // for foo.
    if (index === 0 && count === 4) p.send(frames.origin([]))
    if (index === 2 && count === 0) p.send(frames.origin(listed))
  })
  const [strict, one] = [client(), client({ reuse: trusting() })]
  const first = await get(strict, at('foo'))
  const told = {
    K41: [first.coalesced, started.connections],
    K42: (await get(strict, at('foo'))).id === first.id,
    K43: (await get(strict, at('alt1'))).id === first.id,
    K44: (await get(strict, at('foo'))).id === first.id,
    K45: (await get(strict, at('alt1'))).because,
  }
  expect(told).toEqual({ K41: [false, 1], K42: true, K43: true, K44: true, K45: 'not-in-origin-set' })
  const fresh = await get(one, at('foo'))
  expect(lookup.table['alt2.example']).toBeUndefined()
  const toldThen = {
    K46: [fresh.coalesced, started.connections],
    K47: (await get(one, at('foo'))).id === fresh.id,
    K48: (await get(one, at('alt1'))).id === fresh.id,
    K49: (await get(one, at('alt2'))).because,
  }
  expect(toldThen).toEqual({ K46: [false, 3], K47: true, K48: true, K49: 'origin-set-and-certificate' })
  // K50
  delete lookup.table['bar.example']
  await expect(get(one, at('bar'))).rejects.toMatchObject({ phase: 'resolve' })
  expect(started.failures).toEqual([])
})

it('without trustOriginFrame a name without DNS answer is resolved and fails (K49)', async () => {
  const { at } = await answering((p, _index, count, port) => {
    if (count === 0) p.send(frames.origin([`https://alt2.example:${port}`]))
  })
  for (const reuse of [coalescing(), coalescing({ mode: 'origin-frame' })]) {
    const one = client({ reuse })
    await get(one, at('foo'))
    await expect(get(one, at('alt2'))).rejects.toMatchObject({ phase: 'resolve' })
  }
})

it('malformed ORIGIN frames are ignored, and the connection stays open (IgnoreUnsupportedOriginFrame, K40, K76)', async () => {
  const ORIGIN = 0xc
  const { at, started } = await answering((p, _index, count, port) => {
    if (count > 0) return
    const good = `https://alt1.example:${port}`
    const bad = ['null', 'http://alt1.example', `${good}/path`, 'https://ALT2.example', 'https://ümlaut.example', '']
    p.send(
      frames.raw(ORIGIN, 0, 1, Buffer.from('junk')),
      frames.raw(ORIGIN, 0x0f, 0, frames.origin([`https://alt2.example:${port}`]).subarray(9)),
      frames.origin([...bad, good, good, 'x'.repeat(16_000)]),
      frames.raw(ORIGIN, 0, 0, Buffer.from([0xff, 0xff, 0x61])),
    )
  })
  lookup.table['alt2.example'] = '127.0.0.1'
  const one = client()
  const foo = await get(one, at('foo'))
  expect(await get(one, at('alt1'))).toMatchObject({ coalesced: true, id: foo.id })
  expect(await get(one, at('alt2'))).toMatchObject({ coalesced: false, because: 'not-in-origin-set' })
  expect(one.stats().connections[0]!.originSet).toEqual([at('foo'), at('alt1')])
  expect(started.failures).toEqual([])
})

it('a flood of ORIGIN is limited to 128 origins and uses no more memory (RFC 8336 §4, K77)', async () => {
  const { at } = await answering((p, _index, count) => {
    if (count > 0) return
    for (let i = 0; i < 100; i++) p.send(frames.origin(Array.from({ length: 100 }, (_, j) => `https://h${i}-${j}.example`)))
  })
  const one = client()
  await get(one, at('foo'))
  expect(one.stats().connections[0]!.originSet).toHaveLength(128)
  expect(await get(one, at('foo'))).toMatchObject({ status: 200 })
})

it('an ORIGIN with https://victim.example, which the certificate does not cover, is never used, trusted or not (K51, K80)', async () => {
  const { at, started } = await answering((p, _index, count, port) => {
    if (count === 0) p.send(frames.origin([`https://victim.example:${port}`]))
  })
  lookup.table['victim.example'] = '127.0.0.1'
  for (const reuse of [coalescing(), trusting()]) {
    const one = client({ reuse })
    await get(one, at('foo'))
    await expect(get(one, at('victim'), { headers: { authorization: 'secret' } })).rejects.toMatchObject({ phase: 'tls' })
  }
  expect(started.peers.flatMap(({ received }) => received).filter(({ typeName }) => typeName === 'HEADERS')).toHaveLength(2)
})

it('after an empty ORIGIN the set contains only the connection’s own origin (K79)', async () => {
  const { at } = await answering((p, _index, count) => {
    if (count === 0) p.send(frames.origin([]))
  })
  const one = client()
  await get(one, at('foo'))
  expect(await get(one, at('alt1'))).toMatchObject({ coalesced: false, because: 'not-in-origin-set' })
})

it('strict mode also requires an address, RFC mode only the server’s ORIGIN (K81)', async () => {
  const { at } = await answering((p, _index, count, port) => {
    if (count === 0) p.send(frames.origin([`https://alt1.example:${port}`]))
  })
  lookup.table['alt1.example'] = '127.0.0.77'
  const strict = client()
  await get(strict, at('foo'))
  await expect(get(strict, at('alt1'))).rejects.toMatchObject({ phase: 'tcp' })
  const one = client({ reuse: trusting() })
  await get(one, at('foo'))
  expect(await get(one, at('alt1'))).toMatchObject({ coalesced: true, because: 'origin-set-and-certificate' })
})

it('in mode origin-frame nothing is shared without ORIGIN', async () => {
  const started = await serving(NAMES)
  const one = client({ reuse: coalescing({ mode: 'origin-frame' }) })
  await get(one, `https://foo.example:${started.port}`)
  const other = await get(one, `https://alt1.example:${started.port}`)
  expect(other).toMatchObject({ coalesced: false, because: 'no-origin-frame' })
})

it('a late ORIGIN removes an origin: its next request uses another connection', async () => {
  const { at } = await answering((p, index, count) => {
    if (index === 0 && count === 3) p.send(frames.origin([]))
  })
  const one = client()
  const foo = await get(one, at('foo'))
  expect((await get(one, at('alt1'))).id).toBe(foo.id)
  await get(one, at('foo'))
  expect((await get(one, at('alt1'))).id).not.toBe(foo.id)
})

it('a 421 removes the origin from the set permanently (RFC 8336 §2.3, K74)', async () => {
  const server = await serving(NAMES, {
    origins: (port) => [`https://alt1.example:${port}`],
    handler: (request, response) => {
      const { servername } = request.socket as { servername?: string }
      response.writeHead(String(request.headers[':authority']).startsWith(`${servername}:`) ? 200 : 421).end()
    },
  })
  const one = client()
  const foo = await get(one, `https://foo.example:${server.port}`)
  expect(await get(one, `https://alt1.example:${server.port}`)).toMatchObject({ status: 200, coalesced: false })
  expect(one.stats().connections.find(({ id }) => id === foo.id)!.originSet).toEqual([`https://foo.example:${server.port}`])
})

describe('behind a proxy', () => {
  it('inside a tunnel ORIGIN comes from the server: it narrows, and with trustOriginFrame it is sufficient (K78)', async () => {
    const server = await serving(NAMES, { origins: (port) => [`https://alt1.example:${port}`] })
    const via = await startTestProxy()
    defer(() => via.close())
    const at = (host: string): string => `https://${host}.example:${server.port}`
    const one = client({ proxy: via.url(), reuse: trusting() })
    const foo = await get(one, at('foo'))
    await until(() => one.stats().connections[0]!.originSet !== undefined)
    expect(await get(one, at('alt1'))).toMatchObject({ coalesced: true, id: foo.id })
    expect(await get(one, at('alt2'))).toMatchObject({ coalesced: false })
    const plain = client({ proxy: via.url() })
    await get(plain, at('foo'))
    expect(await get(plain, at('alt1'))).toMatchObject({ coalesced: false, because: 'proxied' })
  })
})

describe('a connection made redundant by another one (RFC 8336 §2.4)', () => {
  /** foo on one connection, alt1 on the other; then the other one lists foo too. */
  async function two(settings = {}) {
    const held: { end(): void }[] = []
    const handler: OriginServerOptions['handler'] = (request, response) =>
      void (request.url === '/slow' ? held.push(response) : response.end())
    const server = await serving(NAMES, { handler })
    const other = await serving(NAMES, { handler, settings, address: '127.0.0.2', port: server.port })
    lookup.table['alt1.example'] = '127.0.0.2'
    const one = client({ reuse: trusting() })
    const at = (host: string, path = '/'): string => `https://${host}.example:${server.port}${path}`
    const foo = await get(one, at('foo'))
    const alt1 = await get(one, at('alt1'))
    const say = (): void => {
      for (const session of other.sessions) session.origin(at('foo', ''))
    }
    const release = (): void => {
      for (const response of held.splice(0)) response.end()
    }
    const stateOf = (id: number): string | undefined => one.stats().connections.find((each) => each.id === id)?.state
    return { server, other, one, at, foo, alt1, say, stateOf, release }
  }

  it('it is closed, and its origin uses the other one (closesCoveredSessions, K52)', async () => {
    const { one, at, foo, alt1, say, stateOf } = await two()
    expect(foo.id).not.toBe(alt1.id)
    say()
    await until(() => stateOf(foo.id) === undefined)
    expect(await get(one, at('foo'))).toMatchObject({ coalesced: true, id: alt1.id })
  })

  it('while busy, its requests complete first (closesCoveredSessions, K53)', async () => {
    const { server, one, at, foo, say, stateOf, release } = await two()
    const slow = get(one, at('foo', '/slow'))
    await server.delivered(2)
    say()
    await until(() => stateOf(foo.id) === 'draining')
    release()
    expect(await slow).toMatchObject({ status: 200, id: foo.id })
    await until(() => stateOf(foo.id) === undefined)
  })

  it('it is not closed while the other one is full, but once that has capacity (K54, K57)', async () => {
    const { server, other, one, at, foo, say, stateOf, release } = await two({ maxConcurrentStreams: 1 })
    const slow = [get(one, at('foo', '/slow')), get(one, at('alt1', '/slow'))]
    await Promise.all([server.delivered(2), other.delivered(2)])
    say()
    await until(() => one.stats().connections.some(({ originSet }) => originSet?.length === 2))
    expect(stateOf(foo.id)).toBe('open')
    release()
    await Promise.all(slow)
    await until(() => stateOf(foo.id) === undefined)
  })

  it('nor while it has more requests than fit there; more capacity by SETTINGS closes it (K58)', async () => {
    const { server, other, one, at, foo, say, stateOf, release } = await two({ maxConcurrentStreams: 1 })
    const slow = [1, 2].map(() => get(one, at('foo', '/slow')))
    await server.delivered(3)
    say()
    await until(() => one.stats().connections.some(({ originSet }) => originSet?.length === 2))
    expect(stateOf(foo.id)).toBe('open')
    for (const session of other.sessions) session.settings({ maxConcurrentStreams: 10 })
    await until(() => stateOf(foo.id) === 'draining')
    release()
    await Promise.all(slow)
    await until(() => stateOf(foo.id) === undefined)
  })
})
