import { describeMemory, memoryCharts, memoryClaims, type Weights, weightsOf } from '../../src/memory/figures.js'

const turn = (bytesEach: number) => ({ bytesEach, errors: 0 })
const failed = { bytesEach: Number.NaN, errors: 1, firstError: 'reset' }
const weights: Weights = { connections: 42_000, sockets: 2_000, requests: 2_000, aborts: 8 }

describe('memory', () => {
  test('medians of the rounds without an error', () => {
    const turns = { connections: [turn(3), failed, turn(1), turn(2)], sockets: [turn(1)], requests: [failed], aborts: [turn(0)] }
    expect(weightsOf(turns)).toEqual({ connections: 2, sockets: 1, requests: Number.NaN, aborts: 0 })
  })

  test('the memory of the socket is not counted for the connection', () => {
    expect(memoryClaims(weights).map(({ holds }) => holds)).toEqual([true, true, true])
    expect(memoryClaims({ ...weights, sockets: 1_999 })[0]).toMatchObject({ holds: false, measured: '40,001 bytes' })
    expect(memoryClaims({ ...weights, requests: 2_001, aborts: 8.1 }).map(({ holds }) => holds)).toEqual([true, false, false])
    expect(memoryClaims({ ...weights, requests: Number.NaN })[1]).toMatchObject({ holds: false, measured: '- bytes' })
  })

  test('is printed and drawn', () => {
    expect(describeMemory(weights, ['aborts: reset'], [])).toMatch(
      /TLS socket with nothing on it +300 +2,000[\s\S]*aborts: reset/,
    )
    expect(memoryCharts(weights)[0]!.bars.map(({ value }) => value)).toEqual([40_000, 2_000])
  })
})
