/** Changed scripts are as valid as drawn ones. */

import { drawWorld, WORLD_NAMES } from '../../src/draw/worlds.js'
import { Random } from '../../src/kernel/random.js'
import type { WorldScript } from '../../src/script/script.js'
import { MUTATIONS, mutate } from '../../src/steer/mutate.js'
import { problemsOf } from './valid.js'

function frozen<Of>(value: Of): Of {
  if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) frozen(member)
    Object.freeze(value)
  }
  return value
}

/** Three worlds of each kind. */
const drawn = WORLD_NAMES.flatMap((name) => [1, 2, 3].map((seed) => frozen(drawWorld(seed, name))))

it('drawn scripts are valid, and a broken one is not', () => {
  expect(drawn.flatMap(problemsOf)).toEqual([])
  const { machines, ...others } = drawn[0]!
  expect(problemsOf({ ...others, machines: machines.map((machine) => ({ ...machine, servers: [] })) })).not.toEqual([])
})

it('a line of changed scripts stays valid, and leaves the script that it comes from alone', () => {
  for (const [index, first] of drawn.entries()) {
    let script: WorldScript = first
    for (let step = 0; step < 20; step++) {
      const random = new Random(index, `step ${step}`)
      script = frozen(mutate(random, script, random.pick(drawn)))
      expect({ index, step, problems: problemsOf(script) }).toEqual({ index, step, problems: [] })
    }
  }
})

it('each kind of change changes some script', () => {
  const idle = MUTATIONS.filter(([, mutation]) =>
    drawn.every((script, index) => {
      const random = new Random(index, 'kind')
      return JSON.stringify(mutation(random, script, random.pick(drawn))) === JSON.stringify(script)
    }),
  )
  expect(idle.map(([, { name }]) => name)).toEqual([])
})

it('equal random numbers make equal scripts, and other ones make others', () => {
  const [script, other] = [drawn[4]!, drawn[9]!]
  const texts = [1, 1, 2].map((seed) => JSON.stringify(mutate(new Random(seed, 'steer'), script, other)))
  expect(texts[1]).toBe(texts[0])
  expect(texts[2]).not.toBe(texts[0])
})
