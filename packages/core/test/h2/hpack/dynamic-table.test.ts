/** Insertion, eviction and resizing of the dynamic table. */

import fc from 'fast-check'
import { DynamicTable } from '../../../src/h2/hpack/dynamic-table.js'

describe('dynamic table (RFC 7541 §4)', () => {
  it('"The size of an entry is the sum of its name\'s length in octets, its value\'s length in octets, and 32"', () => {
    const table = new DynamicTable(4096)
    expect(table.insert('name', 'value')).toBe(true)
    expect(table.bytes).toBe(4 + 5 + 32)
  })

  it('"entries are evicted from the end of the dynamic table until the size of the dynamic table is less than or equal to the maximum size"', () => {
    const evicted: unknown[] = []
    const table = new DynamicTable(102, (name, value, absolute) => evicted.push([name, value, absolute]))
    for (const name of ['a', 'b', 'c', 'd']) table.insert(name, '1')
    expect([table.length, table.bytes, table.inserted]).toEqual([3, 102, 4])
    expect(evicted).toEqual([['a', '1', 0]])
    table.resize(101)
    expect(evicted).toEqual([
      ['a', '1', 0],
      ['b', '1', 1],
    ])
    table.resize(0)
    expect([table.length, table.bytes]).toEqual([0, 0])
  })

  it('"an attempt to add an entry larger than the maximum size causes the table to be emptied of all existing entries"', () => {
    const table = new DynamicTable(100)
    table.insert('a', '1')
    expect(table.insert('b', 'x'.repeat(68))).toBe(false)
    expect([table.length, table.bytes, table.inserted]).toEqual([0, 0, 1])
  })

  it('any sequence of insertions and resizes keeps the newest entries in order', () => {
    const step = fc.oneof(
      fc.record({ name: fc.string({ maxLength: 3 }), value: fc.string({ maxLength: 30 }) }),
      fc.integer({ min: 0, max: 8000 }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400, size: 'max' }), (steps) => {
        const table = new DynamicTable(4096)
        let model: { name: string; value: string }[] = []
        const size = () => model.reduce((sum, field) => sum + field.name.length + field.value.length + 32, 0)
        for (const action of steps) {
          if (typeof action === 'number') table.resize(action)
          else {
            table.insert(action.name, action.value)
            model = [...model, action]
          }
          while (size() > table.maxBytes) model.shift()
          expect([table.length, table.bytes]).toEqual([model.length, size()])
        }
        const first = table.inserted - table.length
        expect(model.map((_, i) => ({ name: table.nameOf(first + i), value: table.valueOf(first + i) }))).toEqual(model)
      }),
    )
  })
})
