import { readMisroutesArguments } from '../../src/misroutes/arguments.js'

it('a hundred thousand requests where nothing is said, and a seed from the time', () => {
  expect(readMisroutesArguments([], 41)).toEqual({ requests: 100_000, seed: 42 })
  expect(readMisroutesArguments(['--', '--requests', '9', '--seed', '3'], 1)).toEqual({ requests: 9, seed: 3 })
})

it.each([['--requests'], ['--seed']])('%s 0 is refused', (option) => {
  expect(() => readMisroutesArguments([option, '0'], 1)).toThrow(`${option} 0`)
})

it('an option that is none is refused by name', () => {
  expect(() => readMisroutesArguments(['--hosts', '9'], 1)).toThrow('--hosts')
})
