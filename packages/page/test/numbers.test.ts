/** Numbers of the page: units, ticks, bars and totals. */

import type { PageEntry } from '../index.js'
import { tickOf } from '../src/axis.js'
import { counted, shownBytes, shownCount, shownMs } from '../src/format.js'
import { keyOf, rangeOf, totalsOf } from '../src/groups.js'
import { comparisonOf, filterOf, placeOf, searchTextOf } from '../src/order.js'
import { barBackground } from '../src/phases.js'

const BASE: PageEntry = {
  ...{
    id: 1,
    isPending: false,
    startMs: 1000,
    phases: [-1, -1, -1, -1, 1, 5, 4],
    durationMs: 10,
    method: 'GET',
    url: 'https://a.example/x',
  },
  ...{ host: 'a.example', path: '/x', status: 200, statusText: '', protocol: 'h2', connection: '1', address: '192.0.2.1' },
  ...{ receivedBytes: 100, sentBytes: 0, contentType: '', because: 'busy', isCoalesced: false, isReplayed: false, priority: '' },
  ...{ error: '', requestFields: [], responseFields: [] },
}
const entry = (changes: Partial<PageEntry>): PageEntry => ({ ...BASE, ...changes })

it.each([
  [-1, '–'],
  [0, '0 B'],
  [999, '999 B'],
  [1_000, '1 kB'],
  [1_240, '1.2 kB'],
  [999_600, '1 MB'],
  [12_345_678, '12 MB'],
])('%i bytes are %s', (bytes, shown) => expect(shownBytes(bytes)).toBe(shown))

it.each([
  [0, '0 ms'],
  [0.04, '0 ms'],
  [1.25, '1.3 ms'],
  [12.4, '12 ms'],
  [1_240, '1.2 s'],
  [61_000, '1 min 1 s'],
  [7_260_000, '2 h 1 min'],
])('%d ms are %s', (ms, shown) => expect(shownMs(ms)).toBe(shown))

it('counts have separators and a plural', () => {
  expect([shownCount(0), shownCount(999), shownCount(1_000), shownCount(1_234_567)]).toEqual(['0', '999', '1,000', '1,234,567'])
  expect([counted(1, 'host'), counted(2, 'host'), counted(2, 'status', 'statuses')]).toEqual(['1 host', '2 hosts', '2 statuses'])
})

it('an axis has at most six distances, of 1, 2 or 5', () => {
  for (let span = 1; span < 1e9; span *= 1.7) {
    const tick = tickOf(span)
    expect(span / tick).toBeLessThanOrEqual(6.000001)
    expect([1, 2, 5, 10]).toContain(Math.round(tick / 10 ** Math.floor(Math.log10(tick) + 1e-9)))
  }
})

it('a bar has a layer for each phase that applied', () => {
  expect(barBackground([-1, -1, -1, -1, 0, 10, 0])).toBe(
    'linear-gradient(var(--phase-wait),var(--phase-wait)) 0.00% 50% / 100.00% 75% no-repeat',
  )
  expect(barBackground([5, -1, -1, -1, 0, 5, 10]).match(/\S+% 50% \/ \S+%/g)).toEqual([
    '0.00% 50% / 25.00%',
    '33.33% 50% / 25.00%',
    '100.00% 50% / 50.00%',
  ])
  expect(barBackground([-1, -1, -1, -1, -1, -1, -1])).toBe('var(--phase-unknown)')
})

it('totals: a connection saves one for each further host; a handshake counts once per connection', () => {
  const dialed = [-1, 1, 9, 9, 1, 5, 4]
  const totals = totalsOf([
    entry({ phases: dialed }),
    entry({ phases: dialed, host: 'b.example' }),
    entry({ host: 'c.example', status: 404 }),
    entry({ connection: '2', host: 'd.example', phases: dialed, status: 0, error: 'ECONNRESET' }),
    entry({ connection: '', host: 'e.example', phases: dialed, startMs: 1_090 }),
    entry({ connection: '', isPending: true, status: 0, startMs: 1_005, receivedBytes: -1 }),
  ])
  expect(totals).toEqual({
    ...{
      requests: 6,
      pending: 1,
      hosts: 5,
      connections: 2,
      saved: 2,
      handshakes: 3,
      bytes: 500,
      timeMs: 100,
      failed: 1,
      refused: 1,
    },
  })
  expect(totalsOf([])).toMatchObject({ requests: 0, saved: 0, timeMs: 0 })
  expect(rangeOf([])).toEqual({ fromMs: 0, toMs: 0 })
})

it('entries of a connection are one group; others are grouped by address, or have no connection', () => {
  expect(keyOf(BASE)).toBe('connection 1')
  expect(keyOf(entry({ connection: '' }))).toBe('address 192.0.2.1')
  expect(keyOf(entry({ connection: '', isPending: true }))).toBe('none')
  expect(keyOf(entry({ connection: '', status: 0, error: 'ENOTFOUND' }))).toBe('none')
})

it('rows that are equal in an order are in the order of their start', () => {
  const entries = [entry({ id: 1, startMs: 3 }), entry({ id: 2, startMs: 1 }), entry({ id: 3, startMs: 2, durationMs: 99 })]
  const sorted = (key: 'start' | 'duration', isDescending: boolean) =>
    [...entries].sort(comparisonOf({ key, isDescending })).map(({ id }) => id)
  expect([sorted('start', false), sorted('start', true)]).toEqual([
    [2, 3, 1],
    [1, 3, 2],
  ])
  expect([sorted('duration', true), sorted('duration', false)]).toEqual([
    [3, 2, 1],
    [2, 1, 3],
  ])
  const rows = [1, 5, 5, 9].map((startMs, id) => ({ entry: entry({ id, startMs }) }))
  expect(placeOf(rows, entry({ id: 10, startMs: 5 }), comparisonOf({ key: 'start', isDescending: false }))).toBe(3)
})

it.each([
  ['', true],
  ['get a.example', true],
  ['GET  /X', true],
  ['get b.example', false],
  ['status:200', true],
  ['status:2 host:a', true],
  ['status:404', false],
  ['reason:busy because:bus', true],
  ['connection:1', true],
  ['connection:11', false],
  ['connection:', true],
  ['constructor:x', false],
  ['https://a.example/x', true],
])('the filter %j matches: %s', (text, matches) => {
  expect(filterOf(text)(BASE, searchTextOf(BASE))).toBe(matches)
})
