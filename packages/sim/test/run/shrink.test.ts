import { drawWorld } from '../../src/draw/worlds.js'
import { shrinkWhile } from '../../src/run/shrink.js'
import type { WorldScript } from '../../src/script/script.js'

it('of a world only the parts are left that the finding needs', async () => {
  const script = drawWorld(11, 'network')
  const { id } = script.requests.at(-1)!
  const { kind } = script.faults[0]!
  let runs = 0
  const fails = (candidate: WorldScript): Promise<boolean> => {
    runs++
    const { requests, faults, machines } = candidate
    return Promise.resolve(
      requests.some((request) => request.id === id) && faults.some((fault) => fault.kind === kind) && machines.length >= 1,
    )
  }
  const small = await shrinkWhile(script, fails)
  expect(script.requests.length).toBeGreaterThan(50)
  expect(small.requests.map((request) => request.id)).toEqual([id])
  expect(small.requests[0]).toMatchObject({ bytes: 1, thinkMs: 1 })
  expect(small.faults.map((fault) => fault.kind)).toEqual([kind])
  expect(small.machines).toHaveLength(1)
  expect(small.names).toHaveLength(0)
  expect(small.client.options).toEqual({})
  expect(runs).toBeLessThan(500)
})

it('a script that cannot be smaller stays as it is', async () => {
  const script = drawWorld(11, 'network')
  const text = JSON.stringify(script)
  const small = await shrinkWhile(script, (candidate) => Promise.resolve(JSON.stringify(candidate) === text))
  expect(small).toEqual(script)
})
