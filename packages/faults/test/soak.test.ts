import { readSoakArguments } from '../src/soak/arguments.js'
import { compare, type Sample } from '../src/soak/samples.js'

it('defaults to mixed load for a minute, except with a fixed run', () => {
  expect(readSoakArguments([], 41)).toEqual({ seconds: 60, seed: 42, aborts: undefined, goaways: undefined })
  expect(readSoakArguments(['--aborts', '9'], 41)).toMatchObject({ seconds: undefined, aborts: 9 })
  expect(readSoakArguments(['--', '--goaways', '9', '--seconds', '2', '--seed', '3'], 1)).toMatchObject({ seconds: 2, seed: 3 })
})

it.each([['--seconds'], ['--aborts'], ['--goaways'], ['--seed']])('%s 0 is refused', (option) => {
  expect(() => readSoakArguments([option, '0'], 1)).toThrow(`${option} 0`)
})

const samples = (count: number, of: (at: number) => Partial<Sample>): Sample[] =>
  Array.from({ length: count }, (_, at) => ({ heap: 10_000_000, sockets: 1, listeners: 10, handles: 2, files: 20, ...of(at) }))

it('constant values with one outlier are not growth', () => {
  expect(compare(samples(9, (at) => ({ heap: at === 8 ? 90_000_000 : 10_000_000 }))).grown).toEqual([])
})

it.each([
  ['heap', 1_000_000],
  ['sockets', 2],
  ['listeners', 20],
  ['handles', 2],
  ['files', 3],
] as const)('growing %s are found', (name, step) => {
  const { grown } = compare(samples(9, (at) => ({ [name]: 10_000_000 + at * step })))
  expect(grown).toHaveLength(1)
  expect(grown[0]).toContain(name)
})
