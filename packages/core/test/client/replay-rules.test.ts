import { ReplayState, requiresHttp1 } from '../../src/client/replay.js'
import { resolveRetryPolicy, retryDelayMs } from '../../src/client/status-retry.js'
import { ConnectionError, ResponseError, StreamError } from '../../src/errors/errors.js'
import { KEPT_BYTES } from '../../src/message/recorded-source.js'
import { checkRequest } from '../../src/message/request.js'

const url = 'https://a.example/'
const get = checkRequest({ url })
const post = checkRequest({ url, method: 'POST', body: 'x' })
async function* once(): AsyncGenerator<string> {
  yield 'x'.repeat(KEPT_BYTES + 1)
}
const streamed = checkRequest({ url, method: 'PUT', body: once() })
beforeAll(() => streamed.content!.open().next())
const refused = new StreamError('ERR_STREAM_REFUSED', 'refused', { initiator: 'peer', errorCode: 7, processed: 'no' })
const lost = new ConnectionError('ERR_CONNECTION_LOST', 'lost', { initiator: 'peer' })
const unsent = new ConnectionError('ERR_CONNECTION_LOST', 'lost', { initiator: 'peer', processed: 'no' })

describe('certainly not processed', () => {
  it.each([
    ['a stream that was refused', refused],
    ['a connection lost before a byte was sent', unsent],
  ])('%s: two attempts while the origin answers nothing, whatever the method', (_title, error) => {
    const replays = new ReplayState(1)
    expect([replays.next(error, post, false), replays.next(error, post, false)]).toEqual(['together', 'none'])
  })

  it('as long as the origin answers other requests', () => {
    const replays = new ReplayState(0)
    for (let i = 0; i < 20; i++) expect(replays.next(refused, post, true)).toBe('together')
    expect([replays.next(refused, post, false), replays.next(refused, post, false)]).toEqual(['together', 'none'])
  })

  it('not with consumed content', () => {
    expect(new ReplayState(1).next(refused, streamed, true)).toBe('none')
  })
})

describe('unknown outcome', () => {
  it.each([
    ['GET', 0, [false]],
    ['GET', 1, [true, false]],
    ['GET', 3, [true, true, true, false]],
    ['POST', 3, [false]],
    ['QUERY', 1, [true, false]],
  ])('%s, replay %d: %j', (method, limit, expected) => {
    const replays = new ReplayState(limit)
    const request = checkRequest({ url, method })
    expect(expected.map(() => replays.next(lost, request, true) === 'together')).toEqual(expected)
  })

  it('a request with an idempotency-key counts as repeatable, whatever its method', () => {
    for (const method of ['POST', 'PATCH', 'LOCK']) {
      const replays = new ReplayState(1)
      const request = checkRequest({ url, method, headers: { 'Idempotency-Key': 'k' } })
      expect([replays.next(lost, request, true), replays.next(lost, request, true)]).toEqual(['together', 'none'])
    }
    const other = checkRequest({ url, method: 'POST', headers: { 'x-a': 'idempotency-key' } })
    expect(new ReplayState(1).next(lost, other, true)).toBe('none')
  })

  it.each([
    ['a reset of one stream', new StreamError('ERR_STREAM_RESET', 'reset', { initiator: 'peer', errorCode: 2 })],
    ['a local protocol error', new ConnectionError('ERR_PROTOCOL', 'fault', { initiator: 'local' })],
    ['a malformed response', new ResponseError('ERR_MALFORMED_RESPONSE', 'malformed')],
  ])('%s is final', (_title, error) => {
    expect(new ReplayState(1).next(error, get, true)).toBe('none')
  })
})

describe('connections lost together with other requests', () => {
  const all = (limit: number, losses: ('shared' | 'neighbor' | 'culprit' | 'alone')[]): string[] => {
    const replays = new ReplayState(limit)
    return losses.map((loss) => replays.next(lost, get, false, loss))
  }

  it('the first loss is replayed together and does not count, later ones apart, for at most replay + 2 deliveries', () => {
    expect(all(1, ['shared', 'shared', 'alone'])).toEqual(['together', 'apart', 'none'])
    expect(all(2, ['shared', 'neighbor', 'alone', 'alone'])).toEqual(['together', 'apart', 'together', 'none'])
    expect(
      all(
        5,
        Array.from({ length: 7 }, () => 'shared' as const),
      ),
    ).toEqual(['together', ...Array.from({ length: 5 }, () => 'apart'), 'none'])
  })

  it('a request that the server named as the cause is sent apart at once', () => {
    expect(all(1, ['culprit', 'culprit'])).toEqual(['apart', 'none'])
  })

  it('never with a limit of 0, and never a method that is not idempotent', () => {
    expect(all(0, ['shared'])).toEqual(['none'])
    expect(new ReplayState(5).next(lost, post, false, 'shared')).toBe('none')
  })
})

it('a stream reset by an overloaded server is replayed on another connection; so is one that a GOAWAY wrongly excludes', () => {
  const reset = (errorCode: number): StreamError => new StreamError('ERR_STREAM_RESET', 'reset', { initiator: 'peer', errorCode })
  const replays = new ReplayState(2)
  expect([replays.next(reset(0xb), get, false), replays.next(reset(0x7), get, false)]).toEqual(['together', 'together'])
  expect(new ReplayState(2).next(reset(0xb), post, false)).toBe('none')
})

it('a refused request is replayed at once, then after delays that double up to a second; after a lost connection there is no delay', () => {
  const replays = new ReplayState(1)
  expect([replays.delayMs(unsent), replays.delayMs(refused)]).toEqual([0, 0])
  for (const most of [50, 100, 200, 400, 800, 1_000, 1_000]) {
    const delay = replays.delayMs(refused)
    expect(delay).toBeGreaterThanOrEqual(most / 2)
    expect(delay).toBeLessThanOrEqual(most)
  }
})

it('HTTP_1_1_REQUIRED counts only if sent by the peer', () => {
  const required = (initiator: 'peer' | 'local') => new StreamError('ERR_CONNECTION_LOST', 'x', { initiator, errorCode: 0xd })
  expect([requiresHttp1(required('peer')), requiresHttp1(required('local')), requiresHttp1(refused)]).toEqual([
    true,
    false,
    false,
  ])
})

describe('the policy for statuses', () => {
  const policy = resolveRetryPolicy(true)!
  const keyed = checkRequest({ url, method: 'POST', body: 'x', headers: { 'Idempotency-Key': 'k' } })

  it('is off by default', () => {
    expect([resolveRetryPolicy(undefined), resolveRetryPolicy(false)]).toEqual([undefined, undefined])
    expect(resolveRetryPolicy({ attempts: 5 })).toEqual({ ...policy, attempts: 5 })
  })

  it.each([
    [{ attempts: 0 }, 'retry.attempts'],
    [{ statuses: [42] }, 'retry.statuses'],
    [{ statuses: 503 as never }, 'retry.statuses'],
    [{ delay: 1 } as never, '"retry.delay"'],
    [3 as never, 'retry'],
  ])('%j is refused, and the error names it', (given, name) => {
    expect(() => resolveRetryPolicy(given)).toThrow(name)
  })

  it.each([
    ['429', get, 429, ['retry-after', '2'], 1, 2_000],
    ['an idempotency key', keyed, 503, ['retry-after', '0'], 1, 0],
    ['a QUERY', checkRequest({ url, method: 'QUERY', body: 'x' }), 503, ['retry-after', '0'], 1, 0],
    ['a POST without one', post, 503, ['retry-after', '0'], 1, undefined],
    ['content that is gone', streamed, 503, ['retry-after', '0'], 1, undefined],
    ['another status', get, 500, ['retry-after', '0'], 1, undefined],
    ['the last attempt', get, 503, ['retry-after', '0'], 3, undefined],
    ['longer than is waited', get, 503, ['retry-after', '31'], 1, undefined],
    ['a date that has passed', get, 503, ['retry-after', 'Fri, 31 Dec 1999 23:59:59 GMT'], 1, 0],
  ])('%s', (_title, request, status, fields, attempts, expected) => {
    expect(retryDelayMs(policy, request, status, fields, attempts)).toBe(expected)
  })

  it('a date in the future', () => {
    const at = new Date(Date.now() + 10_000).toUTCString()
    const delay = retryDelayMs(policy, get, 503, ['retry-after', at], 1)!
    expect(delay).toBeGreaterThan(7_000)
    expect(delay).toBeLessThanOrEqual(10_000)
  })

  it.each([[[]], [['retry-after', 'soon']]])('fields %j: a random part of a delay that doubles', (fields) => {
    for (const [attempts, most] of [
      [1, 200],
      [2, 400],
    ] as const) {
      const delay = retryDelayMs(policy, get, 503, fields, attempts)!
      expect(delay).toBeGreaterThanOrEqual(0)
      expect(delay).toBeLessThanOrEqual(most)
    }
  })
})
