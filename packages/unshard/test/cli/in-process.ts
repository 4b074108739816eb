/** Runs a command in the process of the test. */

import { run } from '../../src/cli/run.js'

/** Runs a command that must fail. @returns its exit code and the lines on standard error. */
export async function failureOf(argv: readonly string[]): Promise<{ exitCode: number; lines: string[] }> {
  const lines: string[] = []
  const { error } = console
  console.error = (line: string) => void lines.push(...line.split('\n'))
  try {
    return { exitCode: await run(argv), lines }
  } finally {
    console.error = error
  }
}
