/**
 * Common code for the C clients: the shell that measures their CPU time, and the check whether they
 * are installed.
 */

import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { parseTimes } from './h2load-output.js'

// The shell measures its children (POSIX `times`): Node does not report the CPU time of a child.
const SCRIPT = '"$@"; status=$?; times >&2; exit $status'

const MAX_OUTPUT_BYTES = 64 * 1_048_576

/** Runs a program to its end. @throws the error of `execFile`. */
export async function runProgram(command: readonly string[]): Promise<{ stdout: string; cpuMicros: number; seconds: number }> {
  const startedAt = performance.now()
  const { stdout, stderr } = await promisify(execFile)('/bin/sh', ['-c', SCRIPT, 'sh', ...command], {
    env: { ...process.env, LC_ALL: 'C' },
    maxBuffer: MAX_OUTPUT_BYTES,
  })
  return { stdout, cpuMicros: parseTimes(stderr).cpuMicros, seconds: (performance.now() - startedAt) / 1000 }
}

export function isInstalled(program: string): true | string {
  const found = (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
  return found || `${program} is not installed`
}
