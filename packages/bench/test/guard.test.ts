import { readFileSync } from 'node:fs'
import { verdictOf } from '../src/guard/figures.js'

const recorded = { ratio: { nghttpd: 10 } }

describe('the guard', () => {
  test.each([
    ['as it was', 10, 'ok: small GET is 10.00 × node:http2 (nghttpd); recorded: 10.00 ×'],
    ['at four fifths', 8, 'ok: '],
    ['below that', 7.99, 'ALARM: small GET is 7.99 × node:http2 (nghttpd); recorded: 10.00 ×; that is less than 0.8 of it'],
    ['without a figure', Number.NaN, 'ALARM: '],
  ])('%s', (_, measured, line) => {
    expect(verdictOf('nghttpd', measured, recorded)).toMatch(new RegExp(`^${line.replaceAll(/[().]/g, '\\$&')}`))
  })

  test('says so where nothing is recorded for the server', () => {
    expect(verdictOf('other', 1, recorded)).toBe('not compared: nothing is recorded for other')
  })

  test('what is recorded can be read', () => {
    const { ratio } = JSON.parse(readFileSync(new URL('../guard.json', import.meta.url), 'utf8')) as typeof recorded
    expect(ratio.nghttpd).toBeGreaterThan(1)
  })
})
