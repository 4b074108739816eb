/** The sentences of reasons: each reason that the client gives has one. */

import { GRANT_REASONS, REFUSAL_REASONS } from '@unshard/coalescing'
import { CLIENT_REASONS } from '@unshard/core'
import { sentenceOf } from '../src/reasons.js'

it.each([...GRANT_REASONS, ...REFUSAL_REASONS, ...CLIENT_REASONS])('%s has a sentence', (reason) => {
  expect(sentenceOf(reason)).toMatch(/^[A-Z].{20,}\.$/)
  expect(sentenceOf(reason)).not.toContain('gave the reason')
})

it.each(['my-policy', '__proto__', 'constructor', 'toString'])('%s of a user-supplied policy is named', (reason) => {
  expect(sentenceOf(reason)).toBe(`The reuse policy of the program gave the reason ${reason}.`)
})

it('an entry without a reason has no sentence', () => {
  expect(sentenceOf('')).toBe('')
})
