import { readFileSync } from 'node:fs'
import { verdictOf } from '../src/guard/figures.js'

const recorded = { ratio: { nghttpd: 10 } }

describe('the guard', () => {
  test.each([
    ['unchanged', 10, 'ok: small GET is 10.00 × node:http2 (nghttpd); recorded: 10.00 ×'],
    ['at four fifths', 8, 'ok: '],
    ['below that', 7.99, 'ALARM: small GET is 7.99 × node:http2 (nghttpd); recorded: 10.00 ×; below 0.8 of it'],
    ['without a figure', Number.NaN, 'ALARM: '],
  ])('%s', (_, measured, line) => {
    expect(verdictOf('nghttpd', measured, recorded)).toMatch(new RegExp(`^${line.replaceAll(/[().]/g, '\\$&')}`))
  })

  test('reports if no ratio is recorded for the server', () => {
    expect(verdictOf('other', 1, recorded)).toBe('not compared: no recorded ratio for other')
  })

  test('the recorded ratios can be read', () => {
    const { ratio } = JSON.parse(readFileSync(new URL('../guard.json', import.meta.url), 'utf8')) as typeof recorded
    expect(ratio.nghttpd).toBeGreaterThan(1)
  })
})
