/** Formats results as figures and lists. */

import type { Outcome } from './run.js'

/** Totals of one result. */
export interface Figures {
  readonly files: number
  readonly subtests: number
  readonly passed: number
}

/** Returns the totals. A subtest that times out or never runs has not passed. */
export function figuresOf({ files }: Outcome): Figures {
  const subtests = files.flatMap((file) => file.subtests)
  return { files: files.length, subtests: subtests.length, passed: subtests.filter(({ passed }) => passed).length }
}

/**
 * Returns the subtests that `reference` passes and `outcome` does not, as `path: name`. Unreported
 * subtests have not passed.
 */
export function lostAgainst(reference: Outcome, outcome: Outcome): string[] {
  const passed = namesOf(outcome, true)
  return [...namesOf(reference, true)].filter((name) => !passed.has(name))
}

/** Formats all failures and the totals for a terminal. */
export function toText(outcome: Outcome): string {
  const lines = outcome.files.flatMap(({ path, subtests, timedOut, uncaught }) => [
    ...subtests
      .filter(({ passed }) => !passed)
      .map(({ name, message }) => `FAIL ${path}: ${name}\n     ${String(message).split('\n')[0]}`),
    ...(timedOut ? [`TIME ${path}`] : []),
    ...uncaught.map((message) => `THROWN ${path}: ${message.split('\n')[0]}`),
  ])
  const { files, subtests, passed } = figuresOf(outcome)
  return [...lines, `${outcome.subject} over ${outcome.wire}: ${files} files, ${passed} of ${subtests} subtests passed`].join(
    '\n',
  )
}

function namesOf({ files }: Outcome, wanted: boolean): Set<string> {
  return new Set(
    files.flatMap(({ path, subtests }) =>
      subtests.filter(({ passed }) => passed === wanted).map(({ name }) => `${path}: ${withoutPort(name)}`),
    ),
  )
}

/** Some names contain the server's address, whose port changes with each run. */
function withoutPort(name: string): string {
  return name.replace(/\b(localhost|127\.0\.0\.1):\d+/g, '$1')
}
