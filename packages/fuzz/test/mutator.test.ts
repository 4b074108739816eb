import { ConversationLayout } from '../src/engine/conversation-layout.js'
import { kindOf, OP_KINDS, Op, raw } from '../src/engine/ops.js'
import { conversationSeeds } from '../src/engine/seeds.js'
import { hpackLayout, makeUnit } from '../src/hpack-units.js'
import { joinUnits, type Layout } from '../src/layout.js'
import { minimize } from '../src/minimize.js'
import { MAX_INPUT_BYTES, Mutator } from '../src/mutator.js'
import { Prng } from '../src/prng.js'
import { someBytes } from '../src/random-bytes.js'

const layouts: [string, Layout][] = [
  ['conversations', new ConversationLayout()],
  ['hpack', hpackLayout],
]

it.each(layouts)('%s: any bytes can be split into units that join to the same bytes', (_name, layout) => {
  const random = new Prng(1)
  for (let i = 0; i < 500; i++) {
    const input = someBytes(random, random.below(200))
    const head = input.subarray(0, layout.headBytes)
    expect(Buffer.from(joinUnits(head, layout.split(input))).equals(input)).toBe(true)
  }
})

it.each(layouts)('%s: a created or altered unit is mostly still a single unit', (_name, layout) => {
  const random = new Prng(2)
  let whole = 0
  for (let i = 0; i < 500; i++) {
    const unit = layout.alter(layout.invent(random), random)
    if (layout.split(joinUnits(Uint8Array.of(0), [unit])).length === 1) whole++
  }
  expect(whole).toBeGreaterThan(400)
})

it('every act is generated eventually', () => {
  const random = new Prng(3)
  const layout = new ConversationLayout()
  const kinds = new Set(Array.from({ length: 2_000 }, () => kindOf(layout.invent(random)[0]!)))
  expect(kinds.size).toBe(OP_KINDS)
})

it('mutation is reproducible by its seed, does not modify its inputs, and respects the length limit', () => {
  const seeds = conversationSeeds()
  const mutate = (seed: number): string[] => {
    const mutator = new Mutator(new ConversationLayout(), new Prng(seed))
    return seeds.flatMap((one) => seeds.map((other) => Buffer.from(mutator.mutate(one, other)).toString('hex')))
  }
  const before = seeds.map((seed) => Buffer.from(seed).toString('hex'))
  expect(mutate(4)).toEqual(mutate(4))
  expect(mutate(4)).not.toEqual(mutate(5))
  expect(seeds.map((seed) => Buffer.from(seed).toString('hex'))).toEqual(before)
  const long = new Mutator(new ConversationLayout(), new Prng(6))
  const input = Buffer.concat([Uint8Array.of(0), raw(new Uint8Array(MAX_INPUT_BYTES - 4))])
  for (let i = 0; i < 200; i++) expect(long.mutate(input, input).length).toBeLessThanOrEqual(MAX_INPUT_BYTES)
})

it('an empty input is valid', () => {
  const mutator = new Mutator(hpackLayout, new Prng(1))
  for (let i = 0; i < 500; i++) mutator.mutate(new Uint8Array(0), new Uint8Array(0))
})

it('minimizing keeps only what matters', () => {
  const noise = Array.from({ length: 20 }, (_, i) => makeUnit(1, Uint8Array.of(i, i, i)))
  const input = joinUnits(Uint8Array.of(9), [...noise, makeUnit(Op.RAW, Buffer.from('..key..')), ...noise])
  const small = minimize(input, hpackLayout, (bytes) => Buffer.from(bytes).includes('key'), 4_000)
  expect(Buffer.from(small).toString('latin1')).toBe('key')
})
