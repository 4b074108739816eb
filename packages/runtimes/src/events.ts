/** An event of a test file in the harness: one line of JSON. */
export type HarnessEvent =
  | { readonly loaded: true }
  | { readonly started: string }
  | TestResult
  | { readonly unhandled: string }
  | { readonly end: true }

/** Tests that do not run. */
export interface Omitted {
  readonly titles: readonly string[]
  /** Sources of regular expressions for titles. */
  readonly patterns: readonly string[]
}

/** The end of one test. */
export interface TestResult {
  /** Titles of the blocks around it and its own, joined by ` › `; with a number if another test has the same. */
  readonly title: string
  readonly status: 'passed' | 'failed' | 'skipped'
  readonly error?: string
}
