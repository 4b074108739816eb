/** docs/contributing/simulation.md: its tables have every name of the source, and it names files that are there. */

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { DNS_FAULTS, MACHINE_FAULTS, NETWORK_FAULTS } from '../src/draw/fault.js'
import { WORLD_NAMES } from '../src/draw/worlds.js'
import { MODELS } from '../src/server/models/all.js'
import { PUT_BACK } from '../src/teeth/faults.js'

const PAGE = readFileSync(new URL('../../../docs/contributing/simulation.md', import.meta.url), 'utf8')
const SRC = fileURLToPath(new URL('../src/', import.meta.url))
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).map((file) => file.replaceAll('\\', '/'))

/** First cells of the table rows under a heading. */
function cellsUnder(heading: string): string {
  const section = PAGE.slice(PAGE.indexOf(`\n${heading}\n`)).slice(heading.length + 2)
  const rows = section.slice(0, /^#+ /m.exec(section)?.index).matchAll(/^\| ([^|]*) \|/gm)
  return [...rows].map(([, cell]) => cell).join('\n')
}

/** Rules that the judge, servers and callers report. */
function rules(): string[] {
  const source = files.filter((file) => file.endsWith('.ts')).map((file) => readFileSync(SRC + file, 'utf8'))
  return [...source.join('\n').matchAll(/\bfind\(\s*(?:probe \? '([a-z]+)' : )?'([a-z-]+)'|\brule: '([a-z-]+)'/g)].flatMap(
    (match) => match.slice(1).filter((rule) => rule !== undefined),
  )
}

it.each([
  ['## Rules', 'rule', rules()],
  ['## Worlds', 'kind of world', WORLD_NAMES],
  ['### Server models', 'model', Object.keys(MODELS)],
  ['### Disturbance', 'fault', [...NETWORK_FAULTS, ...DNS_FAULTS, ...MACHINE_FAULTS].map(([, kind]) => kind)],
  ['## Teeth', 'fault that can be put back', PUT_BACK.map(({ name }) => name)],
])('%s has every %s', (heading, _title, names) => {
  expect(names.length).toBeGreaterThan(8)
  const cells = cellsUnder(heading)
  expect(names.filter((name) => !cells.includes(`\`${name}\``) && !name.startsWith('black-hole-'))).toEqual([])
})

it('every file that the page names is there', () => {
  const named = [...PAGE.matchAll(/`((?:script|server|draw|kernel|run|teeth|models-check)\/[\w/.-]+)`/g)].map(([, name]) => name!)
  expect(named.length).toBeGreaterThan(10)
  expect(named.filter((name) => !files.includes(name))).toEqual([])
})
