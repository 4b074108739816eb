/** h2load, the C client of nghttp2: the limit. It needs no warm-up; its CPU time includes its start and one handshake. */

import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import type { Program } from '../competitor.js'
import { parseH2load, parseTimes } from './h2load-output.js'

// The shell's accounts of its children (POSIX `times`): Node tells nothing about the CPU time of a child.
const SCRIPT = '"$@"; status=$?; times >&2; exit $status'

export const h2load: Program = {
  name: 'h2load',
  protocol: 'h2',
  available: () => isInstalled() || 'h2load is not installed',
  async run(target, load) {
    const url = target.origin + target.path
    const duration = `--duration=${Math.max(1, Math.round(load.seconds * 1000))}ms`
    const command = ['h2load', '--clients=1', `--max-concurrent-streams=${load.inFlight}`, '--threads=1', duration, url]
    const { stdout, stderr } = await promisify(execFile)('/bin/sh', ['-c', SCRIPT, 'sh', ...command], {
      env: { ...process.env, LC_ALL: 'C' },
    })
    const { requests, seconds, errors, contentBytes } = parseH2load(stdout)
    // It does not show the content: at least as much as whole answers have.
    const wrong = contentBytes < requests * Buffer.byteLength(target.text) ? requests : 0
    return { requests, seconds, cpuMicros: parseTimes(stderr).cpuMicros, errors: errors + wrong, connections: 1 }
  },
}

function isInstalled(): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, 'h2load'), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
