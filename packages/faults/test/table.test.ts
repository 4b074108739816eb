import { ConnectError, ConnectionError, StreamError, TimeoutError } from '@unshard/core'
import { allCells, expectationsOf, kernelNeeds } from '../src/cells.js'
import { isExpected, outcomeOf } from '../src/expected/outcome.js'
import { EXPECTED } from '../src/expected/table.js'
import { FAULTS } from '../src/fault/all.js'
import { differences, matrixCells, ownCells } from '../src/matrix.js'
import { KINDS } from '../src/phases.js'
import { randomFor, shuffled } from '../src/random.js'

it('the table and the implementation have the same faults', () => {
  expect(Object.keys(EXPECTED).sort()).toEqual(Object.keys(FAULTS).sort())
})

it('there are 24 faults, 215 cells of fault and phase, and 645 with the kinds of request', () => {
  expect([Object.keys(EXPECTED).length, ownCells().length, allCells().length]).toEqual([24, 215, 645])
})

it('every cell has an outcome for each of its variants', () => {
  const word = /^(ok|replayed|served|(Connect|Connection|Stream|Timeout)Error [a-z0-9]+ (no|yes|unknown))$/
  for (const cell of allCells()) {
    for (const expected of expectationsOf(cell).values()) for (const each of expected.split(' | ')) expect(each).toMatch(word)
  }
})

it('no POST is sent again if it may have been processed', () => {
  for (const cell of allCells().filter(({ kind }) => kind !== 'get')) {
    for (const [variant, expected] of expectationsOf(cell)) {
      if (!expected.includes('replayed')) continue
      expect([cell.fault, variant].join(' ')).toMatch(/^F16 (zero|graceful|error)$|^F17 (REFUSED_STREAM|HTTP_1_1_REQUIRED)$/)
    }
  }
})

it('the table has exactly the cells of the matrix', () => {
  const matrix = matrixCells()
  if (matrix === undefined) return console.warn('the matrix of faults is missing: this test cannot run')
  expect(differences(matrix)).toEqual([])
})

it('missing and extra cells are named', () => {
  expect(differences(['F01 dial', 'F99 idle'], ['F01 dial', 'F02 tls'])).toEqual([
    'F99 idle is in the matrix but not in the table',
    'F02 tls is in the table but not in the matrix',
  ])
  expect(matrixCells('/nowhere')).toBeUndefined()
})

it('only faults that a proxy cannot cause need the kernel', () => {
  const faults = new Set(allCells().flatMap((cell) => (kernelNeeds(cell) === undefined ? [] : [cell.fault])))
  expect([...faults]).toEqual(['F03', 'F04', 'F05', 'F07', 'F19', 'F24'])
})

it('endings are named as in the table', () => {
  const details = { initiator: 'peer', processed: 'unknown' } as const
  expect([
    outcomeOf({ ok: true }, 0),
    outcomeOf({ ok: true }, 1),
    outcomeOf({ ok: false, error: new ConnectError('tls', '') }, 0),
    outcomeOf({ ok: false, error: new TimeoutError('body', 1, { processed: 'yes' }) }, 0),
    outcomeOf({ ok: false, error: new ConnectionError('ERR_STREAM_RESET', '', details) }, 0),
    outcomeOf({ ok: false, error: new StreamError('ERR_STREAM_RESET', '', { ...details, errorCode: 7 }) }, 0),
    outcomeOf({ ok: false, error: new RangeError('no') }, 0),
  ]).toEqual([
    'ok',
    'replayed',
    'ConnectError tls no',
    'TimeoutError body yes',
    'ConnectionError peer unknown',
    'StreamError 7 unknown',
    'RangeError: no',
  ])
})

it('alternatives, and a race with two valid outcomes', () => {
  expect(isExpected('ok', 'ok | StreamError 7 no')).toBe(true)
  expect(isExpected('replayed', 'ok | StreamError 7 no')).toBe(false)
  expect([isExpected('ok', 'served'), isExpected('replayed', 'served'), isExpected('replayed twice', 'served')]).toEqual([
    true,
    true,
    false,
  ])
})

it('a seed gives the same order whatever else was generated', () => {
  const order = (seed: number): string[] => shuffled(randomFor(seed, 'order'), [...KINDS, 'd', 'e', 'f'])
  expect(order(1)).toEqual(order(1))
  expect(order(1)).not.toEqual(order(2))
  expect(randomFor(1, 'a')()).not.toBe(randomFor(1, 'b')())
})
