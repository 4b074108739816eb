import { describeStream, MAX_PEAK_BYTES, streamClaims, streamResult } from '../../src/stream/figures.js'
import type { StreamTurn } from '../../src/stream/task.js'

const turn = (ms: number, peakBytes: number): StreamTurn => ({ ms, cpuMs: ms, peakBytes, errors: 0 })
const failed: StreamTurn = { ms: Number.NaN, cpuMs: Number.NaN, peakBytes: Number.NaN, errors: 1, firstError: 'reset' }

it('medians of time, maximum of memory; a failed round counts only as an error', () => {
  const result = streamResult('ours', 'nghttpd', [turn(3, 10), turn(1, 30), failed, turn(2, 20)])
  expect(result).toMatchObject({ ms: 2, cpuMs: 2, peakBytes: 30, errors: 1 })
})

it('claims hold up to their limit', () => {
  const undici = streamResult('undici', 'nghttpd', [turn(10, 0)])
  const claims = (ms: number, bytes: number): (boolean | undefined)[] =>
    streamClaims(streamResult('ours', 'nghttpd', [turn(ms, bytes)]), undici).map(({ holds }) => holds)
  expect(claims(10, MAX_PEAK_BYTES - 1)).toEqual([true, true])
  expect(claims(11, MAX_PEAK_BYTES)).toEqual([false, false])
  expect(claims(Number.NaN, Number.NaN)).toEqual([false, false])
})

it('is printed as a table with errors below it', () => {
  const ours = streamResult('ours', 'nghttpd', [turn(1, 1_048_576), failed])
  const text = describeStream([ours], streamClaims(ours, ours))
  expect(text).toContain('1.0')
  expect(text).toContain('ours: reset')
})
