import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { replaceOnce } from '../src/teeth/copy.js'
import { PUT_BACK } from '../src/teeth/faults.js'

const CORE = fileURLToPath(new URL('../../core/src/', import.meta.url))

describe('faults that can be put back', () => {
  it.each(PUT_BACK.map(({ name, replacements }) => [name, replacements] as const))('%s fits the source', (name, replacements) => {
    for (const replacement of replacements) {
      const source = readFileSync(CORE + replacement.file, 'utf8')
      expect(replaceOnce(source, replacement, name)).not.toBe(source)
    }
  })

  it('a text that is not there, or twice, is refused', () => {
    const replacement = { file: 'a.ts', find: 'x', replace: 'y' }
    expect(() => replaceOnce('abc', replacement, 'name')).toThrow('name: the text to replace occurs 0 times in a.ts')
    expect(() => replaceOnce('x x', replacement, 'name')).toThrow('occurs 2 times')
    expect(replaceOnce('axb', replacement, 'name')).toBe('ayb')
  })
})
