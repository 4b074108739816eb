/** The arguments of `unshard bench`, its schedule and its counts. */

import type { BenchReport } from '../../../src/cli/bench/bench.js'
import { type BenchValues, optionsOf } from '../../../src/cli/bench/command.js'
import { printBench } from '../../../src/cli/bench/print-bench.js'
import { Schedule } from '../../../src/cli/bench/schedule.js'
import { Tally } from '../../../src/cli/bench/tally.js'
import { NO_COLORS } from '../../../src/cli/colors.js'
import { failureOf } from '../in-process.js'

const values: BenchValues = { concurrency: '100', header: [], data: [], resolve: [], timeout: '10' }
const options = {
  ...{ url: 'https://a.example', method: 'GET', headers: [], body: undefined, concurrency: 100, durationMs: 5_000 },
  ...{ insecure: false, resolve: new Map(), timeoutMs: 10_000 },
}

it.each<[Partial<BenchValues>, object]>([
  [{}, {}],
  [{ requests: '10' }, { requests: 10, durationMs: undefined }],
  [
    { requests: '10', duration: '0.5' },
    { requests: 10, durationMs: 500 },
  ],
  [{ rate: '0.5' }, { rate: 0.5 }],
  [{ connections: '4' }, { connections: 4 }],
  [{ request: 'PURGE' }, { method: 'PURGE' }],
  [
    { header: ['a: b: c', 'Content-Type:x'] },
    {
      headers: [
        ['a', 'b: c'],
        ['Content-Type', 'x'],
      ],
    },
  ],
  [
    { data: ['a', 'b'], header: ['Content-Type: text/plain'] },
    { method: 'POST', body: Buffer.from('a&b'), headers: [['Content-Type', 'text/plain']] },
  ],
  [
    { 'http1.1': true, insecure: true },
    { protocol: 'http/1.1', insecure: true },
  ],
  [{ http2PriorKnowledge: true }, { protocol: 'h2' }],
])('the values %j make the options %j', (given, differing) => {
  expect(optionsOf('a.example', { ...values, ...given })).toEqual({ ...options, ...differing })
})

it.each([
  [['bench'], "missing required argument 'url'"],
  [['bench', 'ftp://a.example'], '"ftp://a.example" is not a valid URL'],
  [['bench', 'https://user:secret@a.example'], '"https://a.example" is not a valid URL'],
  [['bench', 'a.example', '-c', '0'], '--concurrency takes a number from 1 to 1000000, not "0"'],
  [['bench', 'a.example', '--connections', 'x'], '--connections takes a number from 1 to 1000000, not "x"'],
  [['bench', 'a.example', '-n', '-1'], '--requests takes a number from 1 to 9007199254740991, not "-1"'],
  [['bench', 'a.example', '--duration', '0'], '--duration takes seconds above 0, not "0"'],
  [['bench', 'a.example', '--rate', '0'], '--rate takes a number above 0, at most 1000000, not "0"'],
  [['bench', 'a.example', '-H', 'no colon'], '--header takes "NAME: VALUE", not "no colon"'],
  [['bench', 'a.example', '-d', '@/nowhere/data'], '--data: ENOENT'],
  [
    ['bench', 'a.example', '--http1.1', '--http2-prior-knowledge'],
    "option '--http1.1' cannot be used with option '--http2-prior-knowledge'",
  ],
  [['bench', 'a.example', '-n', '1', '-c', '1', '-X', 'GE T'], 'GE T'],
])('%j is refused in one line, with a hint at --help', async (argv, message) => {
  const { exitCode, lines } = await failureOf(argv)
  expect(lines[0]).toMatch(/^unshard: /)
  expect(lines[0]).toContain(message)
  expect(lines[1]).toBe('Try "unshard bench --help".')
  expect([exitCode, lines.length]).toEqual([2, 2])
})

describe('the schedule', () => {
  const of = (given: Partial<ConstructorParameters<typeof Schedule>[0]>): Schedule =>
    new Schedule({ requests: undefined, durationMs: undefined, rate: undefined, ...given })

  it('starts requests at once, until the number or the time is reached', () => {
    const schedule = of({ requests: 2, durationMs: 100 })
    expect([schedule.next(0), schedule.next(50), schedule.next(60)]).toEqual([0, 50, undefined])
    expect(of({ durationMs: 100 }).next(100)).toBeUndefined()
  })

  it('with a rate, requests are due at fixed times, past ones too; none is due at the end', () => {
    const schedule = of({ rate: 10, durationMs: 350 })
    expect([0, 0, 340, 340, 340].map((nowMs) => schedule.next(nowMs))).toEqual([0, 100, 200, 300, undefined])
    expect(of({ rate: 1_000, durationMs: 350 }).next(400)).toBeUndefined()
  })
})

it('the counts: statuses in order, errors by number, latencies exact to 0.1 %', () => {
  const tally = new Tally()
  expect(tally.latencies).toBeUndefined()
  for (let ms = 1; ms <= 1_000; ms++) tally.response(ms === 1 ? 503 : 200, 'h2', 10, ms)
  tally.failure('A')
  for (const code of ['B', 'B']) tally.failure(code)
  expect(tally).toMatchObject({ succeeded: 1_000, failed: 3, bytes: 10_000, statuses: { 200: 999, 503: 1 } })
  expect(Object.entries(tally.errors)).toEqual([
    ['B', 2],
    ['A', 1],
  ])
  for (const [name, ms] of Object.entries({ p50: 500, p90: 900, p99: 990, p999: 999, max: 1_000 }))
    expect(Math.abs(tally.latencies![name as 'p50'] - ms)).toBeLessThanOrEqual(ms / 1_000)
  tally.response(200, 'h2', 0, 1e9)
  tally.response(200, 'h2', 0, -1)
  expect(tally.latencies!.max).toBeLessThanOrEqual(3_601_000)
})

it('the text of an interrupted measurement without a response, and hostile text on one line', () => {
  const report: BenchReport = {
    ...{ method: 'GET', url: 'https://a.example/\u001b[2J', protocols: [], requests: 2, failed: 2, seconds: 0 },
    ...{ requestsPerSecond: 0, rate: undefined, bytes: 0, bytesPerSecond: 0, statuses: {}, errors: { 'X\n': 2 } },
    ...{ latencyMs: undefined, connections: 0, handshakes: 2, resumed: 1, replayed: 3, interrupted: true, exitCode: 130 },
  }
  expect(printBench(report, NO_COLORS).split('\n')).toEqual([
    'GET https://a.example/\\u001b[2J',
    '  interrupted: requests in flight are not counted',
    '  requests     2 in 0.00 ms, 0/s',
    '  content      0 B, 0 B/s',
    '  errors       X\\u000a: 2',
    '  sent again   3',
    '  connections  0, 2 TLS handshakes, 1 resumed',
  ])
})
