/** Steered worlds with the real client, in processes of their own: worlds replace builtins. */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const RUN_CHANGED = fileURLToPath(new URL('run-changed.mjs', import.meta.url))

function run(...args: string[]): { readonly status: number | null; readonly lines: string[]; readonly stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  return { status, lines: stdout.trimEnd().split('\n'), stderr }
}

interface Ran {
  readonly requests: number
  readonly findings: readonly { readonly rule: string }[]
  readonly hash: string
}

it('a hundred changed scripts run without exceptions, and the file of one leads to the same trace', () => {
  const folder = mkdtempSync(join(tmpdir(), 'unshard-steer-'))
  try {
    const file = join(folder, 'script.json')
    const { status, lines, stderr } = run(RUN_CHANGED, file, '100')
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const worlds = lines.map((line) => JSON.parse(line) as Ran)
    expect(worlds).toHaveLength(101)
    const rules = worlds.flatMap(({ findings }) => findings.map(({ rule }) => rule))
    expect(rules.filter((rule) => ['exception', 'crash', 'unhandled-rejection'].includes(rule))).toEqual([])
    expect(worlds.every(({ requests }) => requests > 0)).toBe(true)
    expect(new Set(worlds.map(({ hash }) => hash)).size).toBeGreaterThan(90)
    const again = JSON.parse(run(MAIN, '--script', file, '--json').lines.at(-1)!) as Ran
    expect(again.hash).toBe(worlds.at(-1)!.hash)
  } finally {
    rmSync(folder, { recursive: true })
  }
}, 60_000)

it('a steered run can be repeated, and its drawn worlds are those of the seeds', () => {
  const args = [MAIN, '--steer', '--seed', '4', '--seeds', '6', '--world', 'poison', '--json']
  const runs = [run(...args), run(...args)].map(({ lines }) => {
    const { realMs, ...figures } = JSON.parse(lines.at(-1)!) as Record<string, unknown>
    expect(lines.at(-2)).toMatch(/^6 worlds, 3 of them steered; \d+ scripts kept; \d+ features of the client reached, /)
    return figures
  })
  expect(runs[1]).toEqual(runs[0])
  expect(runs[0]).toMatchObject({ steering: { worlds: 6, steered: 3 } })
  const { kept, features } = runs[0]!['steering'] as Record<string, number>
  expect(kept).toBeGreaterThanOrEqual(1)
  expect(features).toBeGreaterThan(1_000)
}, 60_000)
