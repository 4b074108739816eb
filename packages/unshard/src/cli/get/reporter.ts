/** Output of a command line besides content: errors, heads, `--write-out`, `--connections` and progress bars. */

import { appendFileSync, writeFileSync } from 'node:fs'
import type { Client } from '@unshard/core'
import { CommandError } from '../errors.js'
import { forTerminal } from '../terminal.js'
import { connectionMap, type ReportedTransfer } from './connection-map.js'
import { Exit } from './exit-codes.js'
import { textOrFile } from './input.js'
import type { Job } from './jobs.js'
import type { GetValues } from './options.js'
import { Progress, type TransferBar } from './progress.js'
import { type WrittenTransfer, writeOut } from './write-out.js'

/** Prints what happens in the transfers. */
export class Reporter {
  readonly #transfers: ReportedTransfer[] = []
  readonly #progress: Progress | undefined
  /** Files of `--dump-header` that this command has begun. */
  readonly #dumped = new Set<string>()

  constructor(jobs: readonly Job[]) {
    this.#progress = showsProgress(jobs) ? new Progress(process.stderr, jobs.length > 1) : undefined
  }

  /** Adds a progress bar, if they are shown. */
  bar(path: string | undefined): TransferBar | undefined {
    return path === undefined ? undefined : this.#progress?.add(path)
  }

  /** Prints a line to standard error, unless `--silent` hides it. */
  say({ silent, showError }: GetValues, line: string): void {
    if (silent !== true || showError === true) console.error(forTerminal(`unshard: ${line}`))
  }

  /** Reports a transfer that did not begin. */
  refused({ url, values }: Job, { exitCode, message }: CommandError): void {
    this.#transfers.push({ url, hops: [], downloaded: 0, message })
    this.say(values, `(${exitCode}) ${message}`)
  }

  /** Reports a transfer that is over. */
  over({ values, url }: Job, transfer: WrittenTransfer): void {
    const { result } = transfer
    this.#transfers.push({ url, ...result })
    if (result.message !== undefined && result.message !== '') this.say(values, `(${result.exitCode}) ${result.message}`)
    if (values.writeOut === undefined) return
    for (const { to, text } of writeOut(textOrFile('--write-out', values.writeOut), transfer)) {
      if (to === 'stdout') process.stdout.write(text)
      else if (to === 'stderr') process.stderr.write(text)
      else write('--write-out', to.file, text, to.appends)
    }
  }

  /** Writes the head of a response to the file of `--dump-header`. */
  head({ dumpHeader }: GetValues, head: string): void {
    if (dumpHeader === undefined) return
    if (dumpHeader === '-') process.stdout.write(head, 'latin1')
    else write('--dump-header', dumpHeader, head, this.#dumped.has(dumpHeader))
    this.#dumped.add(dumpHeader)
  }

  /** Restores the terminal. */
  stop(): void {
    this.#progress?.stop()
  }

  /** Prints which connection carried each URL. */
  connections(clients: readonly Client[]): void {
    const totals = clients.map((client) => client.stats().totals)
    const dials = totals.reduce((sum, each) => sum + each.dials, 0)
    const handshakes = totals.reduce((sum, each) => sum + each.handshakes, 0)
    console.error(connectionMap(this.#transfers, dials, handshakes))
  }
}

function write(option: string, file: string, text: string, appends: boolean): void {
  try {
    if (appends) appendFileSync(file, text, 'latin1')
    else writeFileSync(file, text, 'latin1')
  } catch (error) {
    throw new CommandError(`${option}: ${(error as Error).message}`, Exit.WRITE)
  }
}

/** On a terminal, for content that goes to files. */
function showsProgress(jobs: readonly Job[]): boolean {
  const isQuiet = jobs.some(({ values }) => values.silent === true || !values.progressMeter || values.verbose === true)
  const writesFiles = jobs.some(({ output, values }) => output !== undefined || values.remoteNameAll === true)
  return process.stderr.isTTY && !isQuiet && writesFiles
}
