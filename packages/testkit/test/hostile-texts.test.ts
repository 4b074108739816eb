/**
 * The measurement of the tests for linear time distinguishes quadratic time from a slow machine.
 */

import { slowTexts } from '../src/index.js'

const TEXT = 'x'.repeat(16_000)
const LIMIT_MS = 20

it('reports time that grows with the square of the text', () => {
  const quadratic = (text: string): number => {
    let sum = 0
    for (let i = 0; i < text.length; i++) for (let j = 0; j < text.length; j++) sum = (sum + j) | 0
    return sum
  }
  expect(slowTexts(quadratic, [TEXT], LIMIT_MS)).toHaveLength(1)
})

it('accepts linear time even if each character is expensive', () => {
  const linear = (text: string): number => {
    let sum = 0
    for (let i = 0; i < text.length * 2_000; i++) sum = (sum + i) | 0
    return sum
  }
  expect(slowTexts(linear, [TEXT], LIMIT_MS)).toEqual([])
  expect(slowTexts(linear, ['x'], LIMIT_MS)).toEqual([])
})
