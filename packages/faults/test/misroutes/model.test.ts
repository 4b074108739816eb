import {
  coversStrictly,
  credentialOf,
  DIAL_MS,
  type Misroute,
  Model,
  type SeenConnection,
  type SentRequest,
  SLACK_MS,
} from '../../src/misroutes/model.js'
import { TTL_MS } from '../../src/misroutes/plan.js'

const [HERE, THERE] = ['127.0.0.1', '127.0.0.2']
/** Certificate 4 covers both. */
const [A, B] = ['a2.one.example', 'b5.two.example']
const NOW = 100_000

/** A connection made for A, which has just answered, and B, which resolves to the same address. */
function createFixture(connection: Partial<SeenConnection> = {}): {
  model: Model
  ask(asked?: Partial<SentRequest>): Misroute | undefined
} {
  const model = new Model()
  for (const client of [0, 1, 2]) {
    model.answered(client, A, [HERE], NOW - 100)
    model.answered(client, B, [THERE, HERE], NOW - 50)
  }
  const made = { number: 1, address: HERE, serverName: A, certificate: 4, atMs: NOW - 50, originHosts: undefined }
  model.connected({ ...made, ...connection })
  let id = 0
  const ask = (asked: Partial<SentRequest> = {}): Misroute | undefined => {
    const request: SentRequest = { id: ++id, client: 0, tag: undefined, host: B, atMs: NOW, ...asked }
    const { client, tag, host } = request
    return model.delivered(request, { connection: 1, host, credential: credentialOf(client, tag, host) })
  }
  return { model, ask }
}

it('accepts its own host, and another host that resolves there and is covered by the certificate', () => {
  const { ask } = createFixture()
  expect(ask({ host: A })).toBeUndefined()
  expect(ask({ host: B })).toBeUndefined()
})

it('returns the age of the DNS answer with the address', () => {
  const { model, ask } = createFixture()
  ask({ id: 1 })
  expect(model.answerAgeMs({ id: 1, client: 0, tag: undefined, host: B, atMs: NOW }, 1)).toBe(50)
  expect(model.answerAgeMs({ id: 1, client: 0, tag: undefined, host: 'nowhere.example', atMs: NOW }, 1)).toBeNaN()
})

describe('hosts that a certificate covers strictly', () => {
  it.each([
    [0, 'a0.one.example', true],
    [0, 'a7.one.example', true],
    [0, 'x2.deep.one.example', false],
    [0, 'one.example', false],
    [0, 'b5.two.example', false],
    [2, 'shop0.co.uk', true],
    [2, 'shop4.co.uk', false],
    [2, 'x3.deep.one.example', true],
    [3, 'd1.common.example', false],
    [4, 'shop4.co.uk', true],
  ])('certificate %d and %s: %p', (certificate, host, covers) => {
    expect(coversStrictly(certificate, host)).toBe(covers)
  })
})

describe('is a misroute', () => {
  it('a certificate that does not cover the host', () => {
    expect(createFixture({ certificate: 0 }).ask()).toBe('certificate')
  })

  it('an address that the host never had', () => {
    expect(createFixture({ address: '127.0.0.3' }).ask()).toBe('address-never')
  })

  it('an address that the host had once, after that answer has expired and the next one differs', () => {
    const { model, ask } = createFixture()
    model.answered(0, B, [THERE], NOW + TTL_MS)
    expect(ask({ atMs: NOW - 50 + TTL_MS + SLACK_MS })).toBeUndefined()
    expect(ask({ atMs: NOW - 49 + TTL_MS + SLACK_MS })).toBe('address-stale')
  })

  it('isolation or a client different from earlier requests', () => {
    const { ask } = createFixture()
    expect(ask()).toBeUndefined()
    expect(ask({ tag: 'red' })).toBe('other-partition')
    expect(ask({ client: 1 })).toBe('other-partition')
  })

  it('a client that may share nothing', () => {
    expect(createFixture().ask({ client: 2 })).toBe('may-not-share')
    expect(createFixture().ask({ client: 2, host: A })).toBeUndefined()
  })

  it('any other host over HTTP/1.1', () => {
    expect(createFixture({ address: '127.0.0.8' }).ask()).toBe('http/1.1')
  })

  it('a denied host on any connection, and any other host on its connection', () => {
    expect(createFixture().ask({ host: 'g0.gated.example' })).toBe('kept-apart')
    expect(createFixture({ serverName: 'g0.gated.example' }).ask()).toBe('kept-apart')
  })

  it('a host outside the Origin Set, once the client has received the set', () => {
    const { model, ask } = createFixture({ originHosts: [A] })
    expect(ask()).toBeUndefined()
    model.responseRead(1, NOW)
    expect(ask()).toBeUndefined()
    expect(ask({ atMs: NOW + 1 })).toBe('origin-set')
  })

  it('a host with a 421, from the time the client has read it until five minutes later', () => {
    const { model, ask } = createFixture()
    model.turnedAway(0, HERE, 4, B, NOW)
    expect(ask({ atMs: NOW })).toBeUndefined()
    expect(ask({ atMs: NOW + 1 })).toBe('misdirected-again')
    expect(ask({ atMs: NOW + 1, host: A })).toBeUndefined()
    model.answered(0, B, [HERE], NOW + 300_000)
    expect(ask({ atMs: NOW + 300_001 })).toBeUndefined()
  })

  it('a dedicated connection to an address that the host did not have when it was opened, or with a certificate for others', () => {
    expect(createFixture({ address: THERE }).ask({ host: A })).toBe('own-address')
    expect(createFixture({ atMs: NOW - 100 + TTL_MS + SLACK_MS + DIAL_MS + 1 }).ask({ host: A })).toBe('own-address')
    expect(createFixture({ certificate: 1 }).ask({ host: A })).toBe('own-certificate')
    expect(createFixture({ certificate: 1 }).ask({ host: A, client: 3 })).toBe('own-address')
  })

  it("an address, or a name with a trailing dot, on another origin's connection", () => {
    for (const host of [HERE, `${B}.`]) {
      const { ask } = createFixture()
      ask({ host: A })
      expect(ask({ host })).toBe('odd-origin')
      expect(createFixture().ask({ host })).toBeUndefined()
    }
  })

  it('a wrong authority, wrong credentials, or an unknown connection', () => {
    const { model } = createFixture()
    const asked: SentRequest = { id: 1, client: 0, tag: undefined, host: A, atMs: NOW }
    const good = { connection: 1, host: A, credential: credentialOf(0, undefined, A) }
    expect(model.delivered(asked, good)).toBeUndefined()
    expect(model.delivered(asked, { ...good, host: B })).toBe('wrong-authority')
    expect(model.delivered(asked, { ...good, credential: credentialOf(0, undefined, B) })).toBe('wrong-credentials')
    expect(model.delivered(asked, { ...good, connection: 2 })).toBe('unknown-connection')
  })
})
