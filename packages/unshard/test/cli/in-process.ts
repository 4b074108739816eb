/** Runs a command in the process of the test. */

import { run } from '../../src/cli/run.js'
import type { Ran } from './fixture.js'

/** Runs a command that must fail. @returns its exit code and the lines on standard error. */
export async function failureOf(argv: readonly string[]): Promise<{ exitCode: number; lines: string[] }> {
  const { code, stderr } = await ranInProcess(argv)
  return { exitCode: code, lines: stderr.split('\n').slice(0, -1) }
}

/** Runs a command that prints by `console`, as if its output were a pipe. */
export async function ranInProcess(argv: readonly string[]): Promise<Ran> {
  const { log, error } = console
  const { stdout } = process
  const terminal = { isTTY: stdout.isTTY, columns: stdout.columns }
  const printed = { stdout: '', stderr: '' }
  console.log = (text: string) => {
    printed.stdout += `${text}\n`
  }
  console.error = (text: string) => {
    printed.stderr += `${text}\n`
  }
  Object.assign(stdout, { isTTY: undefined, columns: undefined })
  try {
    const code = await run(argv)
    return { code, ...printed }
  } finally {
    Object.assign(console, { log, error })
    Object.assign(stdout, terminal)
  }
}
