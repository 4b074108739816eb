/** The command in processes of its own: worlds replace builtins, which no test may share. */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { drawWorld } from '../../src/draw/worlds.js'

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

function sim(...args: string[]): { readonly status: number | null; readonly lines: string[]; readonly stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' })
  return { status, lines: stdout.trimEnd().split('\n'), stderr }
}

/** The figures of the last line, without those that depend on the machine. */
function figures(lines: readonly string[]): Record<string, unknown> {
  const { realMs, ...others } = JSON.parse(lines.at(-1)!) as Record<string, unknown>
  expect(typeof realMs).toBe('number')
  return others
}

it('equal seeds have equal traces in every process, and others have other ones', () => {
  const [one, again, other] = [
    sim('--seeds', '5', '--json'),
    sim('--seeds', '5', '--json'),
    sim('--seed', '6', '--seeds', '5', '--json'),
  ]
  expect(one.status).toBe(0)
  expect(figures(one.lines)).toMatchObject({ seed: 1, seeds: 5, findings: [] })
  expect(figures(again.lines)).toEqual(figures(one.lines))
  expect(figures(other.lines)['hash']).not.toBe(figures(one.lines)['hash'])
}, 60_000)

it('prints the trace of one seed', () => {
  const { status, lines } = sim('--seed', '3', '--trace')
  expect(status).toBe(0)
  expect(lines.some((line) => /^ +\d+\.\d{3} s dial 10\.0\.\d+\.\d+:443$/.test(line))).toBe(true)
  expect(lines.some((line) => /^ +\d+\.\d{3} s request \d+ ended: 200, \d+ bytes$/.test(line))).toBe(true)
}, 60_000)

it('explains itself if an argument is wrong', () => {
  const { status, stderr } = sim('--world', 'moon')
  expect(status).toBe(2)
  expect(stderr).toContain('--world must be one of')
  expect(stderr).toContain('pnpm sim [options]')
}, 60_000)

it('a script with a finding fails, and as an alarm it does not', () => {
  const folder = mkdtempSync(join(tmpdir(), 'unshard-sim-'))
  try {
    const file = join(folder, 'script.json')
    // Machines without a server: such a world cannot run.
    const script = drawWorld(1, 'calm')
    writeFileSync(file, JSON.stringify({ ...script, machines: script.machines.map((each) => ({ ...each, servers: [] })) }))
    const plain = sim('--script', file)
    const alarm = sim('--script', file, '--alarm')
    expect(plain.status).toBe(1)
    expect(alarm.status).toBe(0)
    expect(plain.lines[0]).toMatch(/^seed 1 \(calm\): exception: /)
    expect(alarm.lines[0]).toBe(`ALARM: ${plain.lines[0]}`)
  } finally {
    rmSync(folder, { recursive: true })
  }
}, 60_000)

it('an alarm that cannot run says so, and does not fail', () => {
  const missing = sim('--script', '/does/not/exist.json', '--alarm')
  expect(missing.status).toBe(0)
  expect(missing.lines[0]).toMatch(/^ALARM: .*ENOENT/)
  expect(sim('--script', '/does/not/exist.json').status).toBe(1)
}, 60_000)
