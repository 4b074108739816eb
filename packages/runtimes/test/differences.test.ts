/** The list of tests that do not run on a runtime. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DIFFERENCES, patternsFor, reasonFor } from '../src/differences.js'

const PACKAGES = join(import.meta.dirname, '../..')

it.each(DIFFERENCES)('$kind, $file: the file exists', ({ file }) => {
  expect(existsSync(join(PACKAGES, file))).toBe(true)
})

it('a test without a difference has no reason', () => {
  expect(reasonFor({ kind: 'node', name: 'node-20' }, 'core/test/client/tls.test.ts', 'a title')).toBeUndefined()
  expect(patternsFor({ kind: 'node', name: 'node-20' }, 'core/test/client/tls.test.ts')).toEqual([])
})
