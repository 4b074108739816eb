/** The fuzzer finds planted bugs behind conditions that random inputs do not meet. */

import { runInThisContext } from 'node:vm'
import { Fuzzer } from '../src/fuzzer.js'
import { COUNTERS_NAME, Instrumenter } from '../src/instrument.js'
import type { Layout } from '../src/layout.js'
import type { Target } from '../src/target.js'

/** Bytes without units. */
const flat: Layout = {
  headBytes: 0,
  split: (input) => Array.from(input, (_, i) => input.subarray(i, i + 1)),
  invent: (random) => Uint8Array.of(random.below(256)),
  alter: (_unit, random) => Uint8Array.of(random.below(256)),
}

function plant(body: string): { target: Target; counters: Uint32Array } {
  const instrumenter = new Instrumenter()
  const code = instrumenter.instrument(`function run(input) { ${body} }`, 'planted.js')
  const counters = new Uint32Array(instrumenter.count)
  const globals = globalThis as unknown as Record<string, unknown>
  globals[COUNTERS_NAME] = counters
  const run = runInThisContext(`(function (globalThis) { ${code}; return run })`) as (scope: unknown) => Target['run']
  return { target: { name: 'planted', layout: flat, seeds: () => [], run: run(globals) }, counters }
}

it('finds a magic sequence of four bytes in a frame of the right type and reduces the input to it', () => {
  const { target, counters } = plant(`
    if (input[0] === 4)
      if (input[1] === 0x75)
        if (input[2] === 0x6e)
          if (input[3] === 0x73)
            if (input[4] === 0x68) throw new Error('planted')`)
  const fuzzer = new Fuzzer(target, counters, 1)
  fuzzer.begin([new Uint8Array(5)])
  while (fuzzer.findings.length === 0 && fuzzer.executions < 300_000) fuzzer.step()
  expect(fuzzer.findings).toHaveLength(1)
  expect(fuzzer.findings[0]!.message).toMatch(/^planted/)
  expect(Buffer.from(fuzzer.findings[0]!.input).toString('hex')).toBe('04756e7368')
})

it('the number of loop iterations counts as coverage', () => {
  const { target, counters } = plant(`
    let depth = 0
    for (const octet of input) if (octet === 7) depth++
    if (depth > 20) throw new Error('too deep')`)
  const fuzzer = new Fuzzer(target, counters, 2)
  fuzzer.begin([new Uint8Array(1)])
  while (fuzzer.findings.length === 0 && fuzzer.executions < 300_000) fuzzer.step()
  expect(fuzzer.findings.map(({ message }) => message.split('\n', 1)[0])).toEqual(['too deep'])
})

it('one bug is one finding, however often it occurs', () => {
  const { target, counters } = plant(`if (input.length > 3) throw new Error('length ' + input.length)`)
  const fuzzer = new Fuzzer(target, counters, 3)
  fuzzer.begin([new Uint8Array(1)])
  for (let i = 0; i < 2_000; i++) fuzzer.step()
  expect(fuzzer.findings.map(({ input }) => input.length)).toEqual([4])
})

it('code that does not end is stopped, and its input is reported', () => {
  const { target, counters } = plant('if (input[0] === 1) for (;;);')
  const fuzzer = new Fuzzer(target, counters, 4)
  fuzzer.begin([new Uint8Array(1)])
  fuzzer.run(200)
  expect(fuzzer.findings.map(({ message, input }) => [message, input[0]])).toEqual([['an execution does not end', 1]])
})
