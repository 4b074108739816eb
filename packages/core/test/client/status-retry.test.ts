/** The delay before a retry: formats and limits of Retry-After. */

import { resolveRetryPolicy, retryDelayMs } from '../../src/client/status-retry.js'

const policy = resolveRetryPolicy({ baseDelayMs: 1_000, maxDelayMs: 60_000 })!
const delayAfter = (value: string): number | undefined => retryDelayMs(policy, 503, ['retry-after', value], 1)
const dateIn = (seconds: number): Date => new Date(Date.now() + seconds * 1_000)

describe('Retry-After', () => {
  it.each(['0', '7', '60'])('of %s seconds delays the retry by that time', (value) => {
    expect(delayAfter(value)).toBe(Number(value) * 1_000)
  })

  it.each(['61', '9'.repeat(400)])('of %.20s seconds exceeds the limit: the request is not retried', (value) => {
    expect(delayAfter(value)).toBeUndefined()
  })

  it('accepts a date in each of its formats', () => {
    // Dates are rounded down to the current second.
    const [date, imf] = [dateIn(30), dateIn(30).toUTCString()]
    const [, day, month, year, time] = imf.split(/,? /) as [string, string, string, string, string]
    const weekday = date.toLocaleDateString('en', { weekday: 'long', timeZone: 'UTC' })
    const asctime = `${imf.slice(0, 3)} ${month} ${day.replace(/^0/, ' ')} ${time} ${year}`
    for (const form of [imf, `${weekday}, ${day}-${month}-${year.slice(2)} ${time} GMT`, asctime]) {
      expect(Math.abs(delayAfter(form)! - 29_500)).toBeLessThan(1_500)
    }
    expect(delayAfter(dateIn(-30).toUTCString())).toBe(0)
    expect(delayAfter(dateIn(300).toUTCString())).toBeUndefined()
  })

  it.each(['-1', '1.5', '0.5', 'in 5', '+3', '1e3', 'May 5', '', 'NaN', 'soon'])(
    'of %j is ignored: the delay is computed',
    (value) => {
      const random = Math.random
      Math.random = () => 0.5
      try {
        expect(delayAfter(value)).toBe(500)
      } finally {
        Math.random = random
      }
    },
  )
})
