/** External frames and field blocks beside the repository: used as seeds, never stored. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { act, Op, raw } from './engine/ops.js'
import { makeUnit } from './hpack-units.js'

const ROOT = process.env['UNSHARD_CORPORA'] ?? fileURLToPath(new URL('../../../../shared/corpora', import.meta.url))
const MAX_STORIES = 60
const MAX_BLOCKS = 12

/** Returns the seeds for a target; none if the corpora are missing. */
export function sharedSeeds(target: string): Uint8Array[] {
  if (target === 'hpack-roundtrip') return []
  return target === 'hpack-decode' ? stories() : conversations()
}

function conversations(): Uint8Array[] {
  return jsonFiles('frames').map((file) => {
    const wire = Buffer.from((readJson(file) as { wire: string }).wire, 'hex')
    return Buffer.concat([Uint8Array.of(1), act(Op.OPEN), act(Op.OPEN, 4), raw(wire)])
  })
}

function stories(): Uint8Array[] {
  const files = jsonFiles('hpack').filter((file) => !file.includes('raw-data'))
  const step = Math.max(1, Math.floor(files.length / MAX_STORIES))
  return files
    .filter((_, i) => i % step === 0)
    .map((file) => {
      const { cases } = readJson(file) as { cases: readonly { wire?: string }[] }
      const blocks = cases.slice(0, MAX_BLOCKS).map(({ wire = '' }) => makeUnit(0, Buffer.from(wire, 'hex')))
      return Buffer.concat([Uint8Array.of(0), ...blocks])
    })
}

function jsonFiles(folder: string): string[] {
  const root = join(ROOT, folder)
  if (!existsSync(root)) return []
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'))
  return names.sort().map((name) => join(root, name))
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'))
}
