import { readMisroutesArguments } from '../../src/misroutes/arguments.js'

it('defaults: a hundred thousand requests, and a seed from the time', () => {
  expect(readMisroutesArguments([], 41)).toEqual({ requests: 100_000, seed: 42 })
  expect(readMisroutesArguments(['--', '--requests', '9', '--seed', '3'], 1)).toEqual({ requests: 9, seed: 3 })
})

it.each([['--requests'], ['--seed']])('%s 0 is refused', (option) => {
  expect(() => readMisroutesArguments([option, '0'], 1)).toThrow(`${option} 0`)
})

it('the error for an unknown option names it', () => {
  expect(() => readMisroutesArguments(['--hosts', '9'], 1)).toThrow('--hosts')
})
