import fc from 'fast-check'
import { Stream } from '../../../src/h2/protocol/stream.js'
import { StreamTable } from '../../../src/h2/protocol/stream-table.js'

const stream = (id: number): Stream<undefined> => new Stream(id, undefined, false, 65_535, 65_535)

describe('StreamTable', () => {
  it('is a map from numbers to streams, for any order of opening and closing', () => {
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
            // Far apart now and then: numbers whose places are one.
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

  it('grows with a burst, and is small again when that is over', () => {
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

  it('one that is not here, or not any more, is no harm', () => {
    const table = new StreamTable<undefined>()
    const [one, same] = [stream(1), stream(1 + 256)]
    table.add(one)
    expect(table.delete(same)).toBe(false)
    expect(table.get(257)).toBeUndefined()
    expect([table.delete(one), table.delete(one), table.size]).toEqual([true, false, 0])
  })

  it('holds nothing of those that have gone: neither does a stream hold on to the next one in its place', () => {
    const table = new StreamTable<undefined>()
    const [one, two] = [stream(1), stream(1 + 256)]
    table.add(one)
    table.add(two)
    expect(two.nextInTable).toBe(one)
    table.delete(two)
    expect(two.nextInTable).toBeUndefined()
  })
})
