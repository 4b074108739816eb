/** Each option of `unshard get` has a line in the reference page and a test; so has each variable and exit code. */

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { Exit } from '../../../src/cli/get/exit-codes.js'
import { addOptions } from '../../../src/cli/get/options.js'
import { VARIABLES } from '../../../src/cli/get/write-out.js'

const here = dirname(fileURLToPath(import.meta.url))
const page = readFileSync(join(here, '../../../../../docs/reference/cli.md'), 'utf8')
const section = page.slice(page.indexOf('## `unshard get`'))
const files = readdirSync(here).filter((name) => name.endsWith('.test.ts') && name !== 'reference.test.ts')
const tests = [...files, '../waterfall/waterfall.test.ts'].map((name) => readFileSync(join(here, name), 'utf8')).join('\n')
const { options } = addOptions(new Command())

it.each(options.map(({ long, short }) => [long!, short]))('%s (%s) is in the reference and has a test', (long, short) => {
  expect(section).toContain(`\`${long}`)
  if (short !== undefined) expect(section).toContain(`\`${short}\``)
  // Short options may stand together, such as -sSf.
  const isTested = [`'${long}'`, `${long} `].some((text) => tests.includes(text))
  const letter = short?.slice(1) ?? ''
  const isTestedShort =
    short !== undefined && new RegExp(`'-[a-zA-Z]*${letter === '#' ? '\\#' : letter}[^']*'|${short} `).test(tests)
  expect([long, isTested || isTestedShort]).toEqual([long, true])
})

it.each(Object.keys(VARIABLES))('the variable %s is in the reference', (name) => {
  expect(section).toContain(`\`${name}\``)
})

it.each(Object.entries(Exit))('the exit code %s (%i) is in the reference', (_name, code) => {
  const codes = section
    .slice(section.indexOf('### Exit codes'))
    .match(/^\| ([\d, ]+) \|/gm)!
    .join(' ')
  expect(codes.match(/\d+/g)).toContain(`${code}`)
})
