import { type ColdRound, coldClaims, coldResult, describeCold } from '../../src/cold-start/figures.js'
import { HOSTS, REQUESTS, urls } from '../../src/cold-start/task.js'

const round = (ms: number, more: Partial<ColdRound> = {}): ColdRound => ({
  ...{ ms, cpuMs: ms / 2, errors: 0, connections: 1, handshakes: 1 },
  ...more,
})

test('40 hosts, 200 requests: the first request of every host comes first', () => {
  const all = urls(8443)
  expect(HOSTS).toHaveLength(40)
  expect(all).toHaveLength(REQUESTS)
  expect(new Set(all.slice(0, 40)).size).toBe(40)
  expect(all[40]).toBe(all[0])
})

test('times are medians of the rounds without errors, handshakes the maximum of all rounds', () => {
  const rounds = [round(100), round(300, { handshakes: 2, connections: 3 }), round(120), round(Number.NaN, { errors: 1 })]
  expect(coldResult('ours', 'nginx', rounds)).toMatchObject({ ms: 120, cpuMs: 60, handshakes: 2, connections: 3, errors: 1 })
})

describe('claims', () => {
  const peer = coldResult('peer', 'nginx', [round(300, { handshakes: 40 })])
  const slow = coldResult('slow peer', 'nginx', [round(900)])
  const broken = coldResult('broken peer', 'nginx', [round(Number.NaN, { errors: 1 })])

  test.each([
    [100, true],
    [101, false],
  ])('%d ms against 300 ms of the best peer: %p', (ms, holds) => {
    const [, time] = coldClaims([coldResult('ours', 'nginx', [round(ms)]), slow, peer, broken], ['ours'], ['ours'])
    expect(time).toMatchObject({ holds, claim: 'ours <= 1/3 of the time of the best peer, peer' })
  })

  test('one handshake over one connection in every round', () => {
    const [handshakes] = coldClaims([coldResult('ours', 'nginx', [round(1), round(1, { connections: 2 })]), peer], ['ours'], [])
    expect(handshakes).toEqual({ claim: 'ours: 1 handshake', holds: false, measured: '1, over 2 connections' })
  })

  test('without a peer no claim holds', () => {
    const [, time] = coldClaims([coldResult('ours', 'nginx', [round(1)])], ['ours'], ['ours'])
    expect(time).toMatchObject({ holds: false, measured: 'not measured' })
  })

  test('the table has every row, the first error and the skipped competitors', () => {
    const results = [
      coldResult('ours', 'nginx', [round(100)]),
      coldResult('bad', 'nginx', [round(9, { errors: 3, firstError: 'no' })]),
    ]
    const text = describeCold('title', results, [], [{ name: 'absent', because: 'not installed' }])
    expect(text).toContain('ours    nginx')
    expect(text).toContain('bad: 3 errors, the first: no')
    expect(text).toContain('without absent: not installed')
  })
})
