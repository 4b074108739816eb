/** Output of a command line besides content: errors, heads, `--write-out`, `--connections` and progress bars. */

import { appendFileSync, writeFileSync } from 'node:fs'
import type { Client } from '@unshard/core'
import { CommandError } from '../errors.js'
import { forTerminal } from '../terminal.js'
import { withoutUserInfo } from '../values.js'
import { connectionMap, type ReportedTransfer } from './connection-map.js'
import { Exit } from './exit-codes.js'
import type { Job } from './jobs.js'
import type { GetValues } from './options.js'
import { Progress, type TransferBar } from './progress.js'
import { type WrittenTransfer, writeOut } from './write-out.js'

/** Prints what happens in the transfers. */
export class Reporter {
  readonly #transfers: ReportedTransfer[] = []
  readonly #showsConnections: boolean
  readonly #progress: Progress | undefined
  /** Files of `--dump-header` that this command has begun. */
  readonly #dumped = new Set<string>()

  constructor(jobs: readonly Job[]) {
    this.#showsConnections = jobs.some(({ values }) => values.connections === true)
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
    if (values.connections === true) this.#transfers.push({ url: withoutUserInfo(url), hops: [], downloaded: 0, message })
    this.say(values, `(${exitCode}) ${message}`)
  }

  /** Reports a transfer that is over. */
  over({ values, url, content }: Job, transfer: WrittenTransfer): void {
    const { result } = transfer
    if (values.connections === true) {
      const { hops, downloaded, message } = result
      this.#transfers.push({ url: withoutUserInfo(url), hops, downloaded, ...(message !== undefined && { message }) })
    }
    if (result.message !== undefined && result.message !== '') this.say(values, `(${result.exitCode}) ${result.message}`)
    if (content.format === undefined) return
    for (const { to, text } of writeOut(content.format, transfer)) {
      if (to === 'stdout') process.stdout.write(text)
      else if (to === 'stderr') process.stderr.write(forTerminal(text))
      else write('--write-out', to.file, Buffer.from(text), to.appends)
    }
  }

  /** Writes the head of a response to the file of `--dump-header`. */
  head({ dumpHeader }: GetValues, head: string): void {
    if (dumpHeader === undefined) return
    if (dumpHeader === '-') process.stdout.write(head, 'latin1')
    else write('--dump-header', dumpHeader, Buffer.from(head, 'latin1'), this.#dumped.has(dumpHeader))
    this.#dumped.add(dumpHeader)
  }

  /** Restores the terminal. */
  stop(): void {
    this.#progress?.stop()
  }

  /** Prints which connection carried each URL, if an option asks for it. */
  connections(clients: readonly Client[]): void {
    if (!this.#showsConnections) return
    const totals = clients.map((client) => client.stats().totals)
    const dials = totals.reduce((sum, each) => sum + each.dials, 0)
    const handshakes = totals.reduce((sum, each) => sum + each.handshakes, 0)
    console.error(connectionMap(this.#transfers, dials, handshakes))
  }
}

function write(option: string, file: string, bytes: Buffer, appends: boolean): void {
  try {
    if (appends) appendFileSync(file, bytes)
    else writeFileSync(file, bytes)
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
