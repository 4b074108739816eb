/**
 * h2load, nghttp2's client in C: the upper limit. It needs no warm-up; its CPU time includes its
 * start and one handshake.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Program } from '../competitor.js'
import { parseH2load } from './h2load-output.js'
import { isInstalled, runProgram } from './programs.js'
import { contentOf } from './reading.js'

export const h2load: Program = {
  name: 'h2load',
  protocol: 'h2',
  available: () => isInstalled('h2load'),
  async run(target, load) {
    const url = target.origin + target.path
    const duration = `--duration=${Math.max(1, Math.round(load.seconds * 1000))}ms`
    const command = ['h2load', '--clients=1', `--max-concurrent-streams=${load.inFlight}`, '--threads=1', duration]
    const content = contentOf(target)
    const folder = content && mkdtempSync(join(tmpdir(), 'unshard-h2load-'))
    try {
      if (folder !== undefined) {
        writeFileSync(join(folder, 'content'), content!)
        command.push(`--data=${join(folder, 'content')}`, '--header', `content-type: ${target.upload!.type}`)
      }
      const { stdout, cpuMicros } = await runProgram([...command, url])
      const { requests, seconds, errors, contentBytes } = parseH2load(stdout)
      // It does not print the content, so check that it received at least as many bytes as complete
      // responses have.
      const wrongCount = contentBytes < requests * (target.bytes ?? Buffer.byteLength(target.text)) ? requests : 0
      return { requests, seconds, cpuMicros, errors: errors + wrongCount, connections: 1 }
    } finally {
      if (folder !== undefined) rmSync(folder, { recursive: true })
    }
  },
}
