/** The rooms of the simulation: imports run down, and form no circle, types included. */

import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'

const SRC = fileURLToPath(new URL('../src/', import.meta.url))
/** From the lowest up. Files outside of rooms are above all. */
const ROOMS = [
  ...['kernel', 'script', 'network', 'tls', 'ledger', 'server', 'caller', 'world', 'judge', 'draw', 'run'],
  ...['steer', 'teeth', 'versions', 'models-check'],
]

/** Imports of each file. */
const imports = new Map<string, string[]>()
for (const entry of readdirSync(SRC, { recursive: true, encoding: 'utf8' })) {
  const file = entry.replaceAll('\\', '/')
  if (!file.endsWith('.ts') || file.endsWith('.d.ts')) continue
  const found = readFileSync(SRC + file, 'utf8').matchAll(/(?:from |import\()'(\.[^']+)\.js'/g)
  imports.set(
    file,
    [...found].map(([, path]) => `${posix.join(posix.dirname(file), path!)}.ts`),
  )
}

function roomOf(file: string): number {
  return file.includes('/') ? ROOMS.indexOf(file.slice(0, file.indexOf('/'))) : ROOMS.length
}

it('each file is in a room that has a place in the order', () => {
  expect([...imports.keys()].filter((file) => roomOf(file) === -1)).toEqual([])
})

it('no file imports from a room above its own', () => {
  const up = [...imports].flatMap(([file, targets]) =>
    targets.filter((target) => roomOf(target) > roomOf(file)).map((target) => `${file} → ${target}`),
  )
  expect(up).toEqual([])
})

it('no files import each other in a circle', () => {
  const done = new Set<string>()
  const circles: string[] = []
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) circles.push([...path, file].join(' → '))
    else if (!done.has(file)) {
      for (const target of imports.get(file) ?? []) visit(target, [...path, file])
      done.add(file)
    }
  }
  for (const file of imports.keys()) visit(file, [])
  expect(circles).toEqual([])
})
