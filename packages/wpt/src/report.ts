/** Outcomes as figures and lists, for people and for programs. */

import type { Outcome } from './run.js'

/** The sums of one outcome. */
export interface Figures {
  readonly files: number
  readonly subtests: number
  readonly passed: number
}

/** @returns the sums. A subtest that runs out of time, or is never run, is not passed. */
export function figuresOf({ files }: Outcome): Figures {
  const subtests = files.flatMap((file) => file.subtests)
  return { files: files.length, subtests: subtests.length, passed: subtests.filter(({ passed }) => passed).length }
}

/** What `reference` passes and `outcome` does not, as `path: name`. What was not reported at all is not passed. */
export function lostAgainst(reference: Outcome, outcome: Outcome): string[] {
  const passed = namesOf(outcome, true)
  return [...namesOf(reference, true)].filter((name) => !passed.has(name))
}

/** For a terminal: every failure, then the figures. */
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

/** Some names tell the server's address, whose port is another one each time. */
function withoutPort(name: string): string {
  return name.replace(/\b(localhost|127\.0\.0\.1):\d+/g, '$1')
}
