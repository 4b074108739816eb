import { readArguments } from '../../src/arguments.js'

it('without arguments, a hundred seeds from 1 on run', () => {
  expect(readArguments([])).toMatchObject({
    seed: 1,
    seeds: 100,
    simulatedMs: Number.POSITIVE_INFINITY,
    alarm: false,
    json: false,
  })
})

it('a seed alone is one seed; a time limit ends any number of seeds', () => {
  expect(readArguments(['--seed', '7'])).toMatchObject({ seed: 7, seeds: 1 })
  expect(readArguments(['--seed', '7', '--seeds', '3'])).toMatchObject({ seed: 7, seeds: 3 })
  expect(readArguments(['--seconds', '2'])).toMatchObject({ seeds: Number.POSITIVE_INFINITY, realMs: 2_000 })
  expect(readArguments(['--hours', '1'])).toMatchObject({ seeds: Number.POSITIVE_INFINITY, simulatedMs: 3_600_000 })
})

it.each([
  [['--seeds', 'many'], '--seeds must be a number'],
  [['--seed=-1'], '--seed must be a number'],
  [['--hours', ''], '--hours must be a number'],
  [['--world', 'moon'], '--world must be one of'],
  [['--sedes', '1'], '--sedes'],
])('%j is refused', (args, message) => {
  expect(() => readArguments(args)).toThrow(message)
})
