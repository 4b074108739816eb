/** docs/concepts/security.md against the sources: each limit has its value, each test its title. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CLIENT_OPTIONS } from '../../src/client/options.js'
import { TIMEOUT_OPTIONS } from '../../src/message/request-options.js'
import type { OptionRow } from '../../src/schema/schema.js'

const root = join(import.meta.dirname, '../../../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

const rows = read('docs/concepts/security.md')
  .split('\n')
  .filter((line) => line.startsWith('| ') && line.includes('.test.ts`'))
  .map((line) => line.slice(2, -2).split(' | '))

it('docs/concepts/security.md has one row per attack, with a test', () => {
  expect(rows.length).toBeGreaterThan(35)
  expect(new Set(rows.map(([attack]) => attack)).size).toBe(rows.length)
})

it.each(rows.map((row): [string, string] => [row[0]!, row.at(-1)!]))('the test of the attack exists: %s', (_attack, cell) => {
  const [, path, title] = /^`([^`]+\.test\.ts)`: (.+)$/.exec(cell)!
  const file = `packages/core/test/${path}`
  expect([file, existsSync(join(root, file))]).toEqual([file, true])
  expect(read(file)).toContain(title)
})

const constants = rows.flatMap((row): [string, string, string][] => {
  const limit = /`([A-Z0-9_]+)` in `([^`]+)`/.exec(row[1]!)
  return limit === null || limit[1] === 'DEFAULT_TIMEOUTS' ? [] : [[limit[1]!, limit[2]!, row[2]!]]
})

it.each(constants)('the limit %s in %s is %s', (name, path, value) => {
  const found = new RegExp(`const ${name}(?:: \\w+)? = (\\w+)`).exec(read(`packages/core/src/${path}`))
  expect(Number(found?.[1]?.replaceAll('_', ''))).toBe(Number(value))
})

const options = rows.flatMap((row): [string, string][] =>
  [...row[1]!.matchAll(/\*([a-zA-Z.]+)\*/g)].map(([, option]) => [option!.replace('timeouts.', ''), row[2]!]),
)

const SCHEMAS: Readonly<Record<string, OptionRow>> = { ...TIMEOUT_OPTIONS, ...CLIENT_OPTIONS }

it.each(options)('the default of option %s is %s', (option, value) => {
  expect(SCHEMAS[option]?.default).toBe(Number(value))
})
