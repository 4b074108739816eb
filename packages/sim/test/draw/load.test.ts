import { drawLoad } from '../../src/draw/load.js'
import { drawWorld, WORLD_NAMES } from '../../src/draw/worlds.js'

const GROUP = { hosts: ['a.sim.example', 'b.sim.example'], addresses: ['10.0.0.1'], http1: false }
const KINDS = [
  [1, 'steady'],
  [1, 'posts'],
  [1, 'burst'],
] as const

it('a caller that is left out changes no decision of the others', () => {
  const all = drawLoad(3, [GROUP], KINDS, { count: 5, spanMs: 60_000 })
  const fewer = drawLoad(3, [GROUP], KINDS, { count: 4, spanMs: 60_000 })
  expect(fewer.length).toBeLessThan(all.length)
  expect(all.slice(0, fewer.length)).toEqual(fewer)
})

it('a world is the same each time, and different for each seed', () => {
  expect(drawWorld(41)).toEqual(drawWorld(41))
  expect(drawWorld(41)).not.toEqual(drawWorld(42))
})

it.each(WORLD_NAMES)('in the world %s each request has a name, each name a machine, and each fault a place', (name) => {
  for (let seed = 1; seed <= 50; seed++) {
    const { machines, names, requests, faults } = drawWorld(seed, name)
    const addresses = new Set(machines.map(({ address }) => address))
    const hosts = new Set(names.map((each) => each.name))
    expect(names.every((each) => each.addresses.length > 0 && each.addresses.every((address) => addresses.has(address)))).toBe(
      true,
    )
    expect(requests.length).toBeGreaterThan(0)
    expect(requests.every(({ origin }) => hosts.has(origin.slice('https://'.length)))).toBe(true)
    expect(new Set(requests.map(({ id }) => id)).size).toBe(requests.length)
    expect(faults.every(({ where }) => where === undefined || addresses.has(where) || hosts.has(where))).toBe(true)
    expect(faults.every(({ at, until }) => until >= at)).toBe(true)
  }
})
