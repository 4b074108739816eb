/** The hash table of the streams of a connection. */

import fc from 'fast-check'
import { Stream } from '../../../src/h2/protocol/stream.js'
import { StreamTable } from '../../../src/h2/protocol/stream-table.js'

const stream = (id: number): Stream<undefined> => new Stream(id, undefined, false, 65_535, 65_535)

describe('StreamTable', () => {
  it('maps identifiers to streams, for any order of opening and closing', () => {
    const steps = fc.array(fc.record({ close: fc.boolean(), which: fc.nat(1_000) }), { maxLength: 600 })
    fc.assert(
      fc.property(steps, (all) => {
        const table = new StreamTable<undefined>()
        const model = new Map<number, Stream<undefined>>()
        let next = 1
        for (const { close, which } of all) {
          if (close && model.size > 0) {
            const id = [...model.keys()][which % model.size]!
            expect(table.delete(model.get(id)!)).toBe(true)
            model.delete(id)
          } else {
            const opened = stream(next)
            // Sometimes 256 apart: identifiers with the same place in the table.
            next += which % 10 === 0 ? 256 : 2
            table.add(opened)
            model.set(opened.id, opened)
          }
          expect(table.size).toBe(model.size)
        }
        expect(table.all()).toEqual([...model.values()])
        for (let id = 1; id < next; id += 2) expect(table.get(id)).toBe(model.get(id))
      }),
    )
  })

  it('grows with a burst, and works after the burst has ended', () => {
    const table = new StreamTable<undefined>()
    const all = Array.from({ length: 5_000 }, (_, i) => stream(2 * i + 1))
    for (const each of all) table.add(each)
    expect(table.all()).toEqual(all)
    for (const each of all) expect(table.get(each.id)).toBe(each)
    for (const each of all) expect(table.delete(each)).toBe(true)
    expect([table.size, table.all()]).toEqual([0, []])
    table.add(all[3]!)
    expect(table.get(7)).toBe(all[3])
  })

  it('ignores a stream that is missing or deleted already', () => {
    const table = new StreamTable<undefined>()
    const [first, collision] = [stream(1), stream(1 + 256)]
    table.add(first)
    expect(table.delete(collision)).toBe(false)
    expect(table.get(257)).toBeUndefined()
    expect([table.delete(first), table.delete(first), table.size]).toEqual([true, false, 0])
  })

  it('keeps no reference to a deleted stream, nor from it to the next one in its place', () => {
    const table = new StreamTable<undefined>()
    const [first, second] = [stream(1), stream(1 + 256)]
    table.add(first)
    table.add(second)
    expect(second.nextInTable).toBe(first)
    table.delete(second)
    expect(second.nextInTable).toBeUndefined()
  })
})
