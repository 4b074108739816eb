/** Rules for replays of lost requests and for retries after a status, without connections. */

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

describe('a request that was certainly not processed', () => {
  it.each([
    ['if its stream was refused', refused],
    ['if its connection was lost before a byte was sent', unsent],
  ])('is sent at most four times %s while the origin answers no other request, with any method', (_title, error) => {
    const replays = new ReplayState(1)
    const decided = Array.from({ length: 4 }, () => replays.next(error, post, false))
    expect(decided).toEqual(['together', 'together', 'together', 'none'])
  })

  it('is replayed as long as the origin answers other requests', () => {
    const replays = new ReplayState(0)
    for (let i = 0; i < 20; i++) expect(replays.next(refused, post, true)).toBe('together')
    const decided = Array.from({ length: 4 }, () => replays.next(refused, post, false))
    expect(decided).toEqual(['together', 'together', 'together', 'none'])
  })

  it('is not replayed with consumed content', () => {
    expect(new ReplayState(1).next(refused, streamed, true)).toBe('none')
  })
})

describe('a request with an unknown outcome', () => {
  it.each([
    ['GET', 0, [false]],
    ['GET', 1, [true, false]],
    ['GET', 3, [true, true, true, false]],
    ['POST', 3, [false]],
    ['QUERY', 1, [true, false]],
  ])('of method %s with replay %d: replayed %j', (method, limit, expected) => {
    const replays = new ReplayState(limit)
    const request = checkRequest({ url, method })
    expect(expected.map(() => replays.next(lost, request, true) === 'together')).toEqual(expected)
  })

  it('and an idempotency-key is replayed with any method', () => {
    for (const method of ['POST', 'PATCH', 'LOCK']) {
      const replays = new ReplayState(1)
      const request = checkRequest({ url, method, headers: { 'Idempotency-Key': 'k' } })
      expect([replays.next(lost, request, true), replays.next(lost, request, true)]).toEqual(['together', 'none'])
    }
    const other = checkRequest({ url, method: 'POST', headers: { 'x-a': 'idempotency-key' } })
    expect(new ReplayState(1).next(lost, other, true)).toBe('none')
  })

  it.each([
    ['reset of one stream', new StreamError('ERR_STREAM_RESET', 'reset', { initiator: 'peer', errorCode: 2 })],
    ['local protocol error', new ConnectionError('ERR_PROTOCOL', 'fault', { initiator: 'local' })],
    ['malformed response', new ResponseError('ERR_MALFORMED_RESPONSE', 'malformed')],
  ])('is not replayed after a %s', (_title, error) => {
    expect(new ReplayState(1).next(error, get, true)).toBe('none')
  })
})

describe('a request that is lost together with other requests', () => {
  const decisions = (limit: number, losses: ('shared' | 'neighbor' | 'culprit' | 'alone')[]): string[] => {
    const replays = new ReplayState(limit)
    return losses.map((loss) => replays.next(lost, get, false, loss))
  }

  it('is replayed together first, then apart, for at most replay + 2 deliveries', () => {
    expect(decisions(1, ['shared', 'shared', 'alone'])).toEqual(['together', 'apart', 'none'])
    expect(decisions(2, ['shared', 'neighbor', 'alone', 'alone'])).toEqual(['together', 'apart', 'together', 'none'])
    expect(
      decisions(
        5,
        Array.from({ length: 7 }, () => 'shared' as const),
      ),
    ).toEqual(['together', ...Array.from({ length: 5 }, () => 'apart'), 'none'])
  })

  it('is delivered at most replay + 2 times, although it was lost behind another request of a pipeline as well', () => {
    const behind = new ConnectionError('ERR_PIPELINE_LOST', 'lost', { initiator: 'peer' })
    for (const [first, second] of [
      [behind, lost],
      [lost, behind],
    ] as const) {
      const replays = new ReplayState(1)
      const decided = [first, second, lost].map((error) => replays.next(error, get, false, 'shared'))
      expect(decided.map((how) => how === 'none')).toEqual([false, false, true])
    }
  })

  it('is replayed apart at once if the server named it as the cause', () => {
    expect(decisions(1, ['culprit', 'culprit'])).toEqual(['apart', 'none'])
  })

  it('is not replayed with a limit of 0, or with a method that is not idempotent', () => {
    expect(decisions(0, ['shared'])).toEqual(['none'])
    expect(new ReplayState(5).next(lost, post, false, 'shared')).toBe('none')
  })
})

it('a stream reset by an overloaded server is replayed; so is one reset with REFUSED_STREAM', () => {
  const reset = (errorCode: number): StreamError => new StreamError('ERR_STREAM_RESET', 'reset', { initiator: 'peer', errorCode })
  const replays = new ReplayState(2)
  expect([replays.next(reset(0xb), get, false), replays.next(reset(0x7), get, false)]).toEqual(['together', 'together'])
  expect(new ReplayState(2).next(reset(0xb), post, false)).toBe('none')
})

it('refused requests are replayed at once, then after delays that double up to 1 s; lost ones without delay', () => {
  const replays = new ReplayState(1)
  expect([replays.delayMs(unsent), replays.delayMs(refused)]).toEqual([0, 0])
  for (const maxDelayMs of [50, 100, 200, 400, 800, 1_000, 1_000]) {
    const delay = replays.delayMs(refused)
    expect(delay).toBeGreaterThanOrEqual(maxDelayMs / 2)
    expect(delay).toBeLessThanOrEqual(maxDelayMs)
  }
})

it('HTTP_1_1_REQUIRED counts only if the peer sent it', () => {
  const required = (initiator: 'peer' | 'local') => new StreamError('ERR_CONNECTION_LOST', 'x', { initiator, errorCode: 0xd })
  expect([requiresHttp1(required('peer')), requiresHttp1(required('local')), requiresHttp1(refused)]).toEqual([
    true,
    false,
    false,
  ])
})

describe('the retry policy for statuses', () => {
  const policy = resolveRetryPolicy(true)!

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
  ])('refuses %j, and the error names the option', (given, name) => {
    expect(() => resolveRetryPolicy(given)).toThrow(name)
  })

  it.each([
    ['429', 429, ['retry-after', '2'], 1, 2_000],
    ['another status', 500, ['retry-after', '0'], 1, undefined],
    ['the last attempt', 503, ['retry-after', '0'], 3, undefined],
    ['a Retry-After above the limit', 503, ['retry-after', '31'], 1, undefined],
    ['a date in the past', 503, ['retry-after', 'Fri, 31 Dec 1999 23:59:59 GMT'], 1, 0],
  ])('%s: the delay is that of Retry-After, or the request is not retried', (_title, status, fields, attempts, expected) => {
    expect(retryDelayMs(policy, status, fields, attempts)).toBe(expected)
  })

  it('waits until the date of Retry-After', () => {
    const at = new Date(Date.now() + 10_000).toUTCString()
    const delay = retryDelayMs(policy, 503, ['retry-after', at], 1)!
    expect(delay).toBeGreaterThan(7_000)
    expect(delay).toBeLessThanOrEqual(10_000)
  })

  it.each([[[]], [['retry-after', 'soon']]])('with fields %j waits a random part of a delay that doubles', (fields) => {
    for (const [attempts, maxDelayMs] of [
      [1, 200],
      [2, 400],
    ] as const) {
      const delay = retryDelayMs(policy, 503, fields, attempts)!
      expect(delay).toBeGreaterThanOrEqual(0)
      expect(delay).toBeLessThanOrEqual(maxDelayMs)
    }
  })
})
