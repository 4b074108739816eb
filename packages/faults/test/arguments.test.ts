import { readArguments } from '../src/arguments.js'

it('without arguments everything is selected', () => {
  expect(readArguments([], 41)).toMatchObject({ seed: 42, sample: undefined, json: false })
  const { only, phases, kinds } = readArguments([], 41)
  expect([only.length, phases.length, kinds.length]).toEqual([24, 11, 3])
})

it('selects one or several faults, phases and kinds by name', () => {
  const argv = [
    '--',
    '--only',
    'F03,F24',
    '--phase',
    'tls',
    '--kind',
    'post,stream',
    '--seed',
    '7',
    '--sample',
    '9',
    '--jobs',
    '2',
  ]
  expect(readArguments([...argv, '--json'], 1)).toEqual({
    only: ['F03', 'F24'],
    phases: ['tls'],
    kinds: ['post', 'stream'],
    seed: 7,
    sample: 9,
    jobs: 2,
    json: true,
  })
})

it.each([
  [['--only', 'F99'], 'unknown fault F99'],
  [['--phase', 'lunch'], 'unknown phase lunch'],
  [['--kind', 'put'], 'unknown kind put'],
  [['--seed', '0'], '--seed 0'],
  [['--sample', '1.5'], '--sample 1.5'],
  [['--jobs', 'many'], '--jobs many'],
  [['--unknown'], 'unknown'],
])('%j is refused', (argv, message) => {
  expect(() => readArguments(argv, 1)).toThrow(message)
})
