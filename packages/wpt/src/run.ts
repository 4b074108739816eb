/**
 * Runs one subject over one protocol: starts the server and runs all files in the order of their
 * names.
 */

import type { Arguments, Subject, Wire } from './arguments.js'
import { type FileResult, runFile } from './run-file.js'
import { startServer } from './server.js'
import { fixturesOf, listFiles, type TestFile } from './suite.js'

/** Parallel threads: most files wait for a slow server. */
const THREADS = 3

/** Result of a subject. */
export interface Outcome {
  readonly subject: Subject
  readonly wire: Wire
  readonly files: readonly FileResult[]
}

/** @throws Error if the suite is missing or its server does not start. */
export async function runSubject(
  { suite, only }: Arguments,
  subject: Subject,
  wire: Wire,
  report: (line: string) => void,
): Promise<Outcome> {
  const server = await startServer(suite, wire)
  try {
    const { url, ca } = server
    const runs = listFiles(suite, new URL(url).port, only).flatMap((test) => test.variants.map((variant) => ({ test, variant })))
    const files: FileResult[] = new Array(runs.length)
    let next = 0
    const thread = async (): Promise<void> => {
      while (next < runs.length) {
        const index = next++
        const { test, variant } = runs[index] as { test: TestFile; variant: string }
        const result = await runFile({ fixtures: fixturesOf(suite), test, subject, url, ca }, variant)
        files[index] = result
        report(`${subject} ${wire} ${index + 1}/${runs.length} ${describe(result)}`)
      }
    }
    await Promise.all(Array.from({ length: THREADS }, thread))
    return { subject, wire, files }
  } finally {
    await server.close()
  }
}

function describe({ path, subtests, timedOut }: FileResult): string {
  return `${path}: ${subtests.filter(({ passed }) => passed).length}/${subtests.length}${timedOut ? ', timed out' : ''}`
}
