/** Runs the transfers of a command line: one after the other, or at the same time. */

import { CommandError } from '../errors.js'
import { integerOf } from '../values.js'
import { Exit, exitCodeOf } from './exit-codes.js'
import { type Job, Jobs } from './jobs.js'
import type { GetValues } from './options.js'
import { dispositionName, inFolder, pathOf, type Sink, sinkOf, sizeOf } from './output.js'
import { startRecording } from './recording.js'
import { Reporter } from './reporter.js'
import { requestOf } from './request.js'
import { Transfer } from './transfer.js'
import { settingsOf, type TransferSettings } from './transfer-settings.js'
import { logFrames, traceTo } from './wire-log.js'

/** curl's maximum of `--parallel-max`. */
const MOST_PARALLEL = 300

/** Runs all parts of a command line. @returns the exit code: that of the last transfer that failed. */
export async function runGet(parts: readonly GetValues[]): Promise<number> {
  const parallel = parts.some((values) => values.parallel)
    ? integerOf('--parallel-max', parts[0]!.parallelMax, 1, MOST_PARALLEL)
    : 1
  const jobs = new Jobs(parts)
  const abort = new AbortController()
  const stops: (() => unknown)[] = [() => jobs.close(), watchProcess(abort)]
  try {
    stops.push(...startLogs(parts, (error) => abort.abort(error)))
    stops.push(await startRecording(parts, jobs.clients))
    return await transferAll(jobs, parallel, abort)
  } finally {
    for (const stop of stops) await stop()
  }
}

async function transferAll(jobs: Jobs, parallel: number, abort: AbortController): Promise<number> {
  const reporter = new Reporter(jobs.list)
  const run = new Run(reporter, abort)
  try {
    const queue = jobs.list.values()
    await Promise.all(Array.from({ length: Math.min(parallel, jobs.list.length) }, () => run.work(queue)))
    return run.exitCode
  } finally {
    reporter.stop()
    reporter.connections(jobs.clients)
  }
}

class Run {
  readonly #abort: AbortController
  readonly #reporter: Reporter
  exitCode = 0

  constructor(reporter: Reporter, abort: AbortController) {
    this.#reporter = reporter
    this.#abort = abort
  }

  /** Transfers jobs, one after the other, until none is left. */
  async work(jobs: Iterator<Job>): Promise<void> {
    for (let next = jobs.next(); next.done !== true && !this.#abort.signal.aborted; next = jobs.next()) {
      const exitCode = await this.#transfer(next.value)
      if (exitCode === 0) continue
      this.exitCode = exitCode
      if (next.value.values.failEarly === true) this.#abort.abort(new CommandError('', exitCode))
    }
  }

  async #transfer(job: Job): Promise<number> {
    try {
      return await this.#send(job)
    } catch (error) {
      const failure = error instanceof CommandError ? error : new CommandError((error as Error).message, exitCodeOf(error, false))
      this.#reporter.refused(job, failure)
      return failure.exitCode
    }
  }

  async #send(job: Job): Promise<number> {
    const { values, client, number } = job
    const request = requestOf(job.url, values, job.content)
    const target = new Target(job, request.url)
    const settings = settingsOf(values, offsetOf(values, target.path))
    const bar = this.#reporter.bar(target.path)
    const listener = {
      onProgress: (bytes: number, total: number | undefined) => bar?.update(bytes, total),
      onRetry: (reason: string, delayMs: number, left: number) =>
        this.#reporter.say(values, `${reason}: retry in ${delayMs / 1_000} s, ${left} left`),
      onHead: (head: string) => this.#reporter.head(values, head),
    }
    const transfer = new Transfer(client, request, settings, (headers) => target.sink(headers, settings), listener)
    const result = await transfer.run(this.#abort.signal)
    bar?.end()
    const connects = result.hops.filter(({ isDialed }) => isDialed).length
    const { url } = job
    const { method, url: requested } = request
    this.#reporter.over(job, { result, url, requested, number, connects, method, path: target.path })
    return result.exitCode
  }
}

/** Where the content of a job goes. */
class Target {
  readonly #job: Job
  path: string | undefined

  /** @throws CommandError if the URL names no file. */
  constructor(job: Job, url: URL) {
    this.#job = job
    this.path = pathOf(job.output, url, job.parts, job.values)
  }

  /** Opens it, with the name that the response has if `-J` asks for it. */
  sink(headers: readonly (readonly [name: string, value: string])[], { resumeFrom }: TransferSettings): Sink {
    const { values, output } = this.#job
    const isRemoteName = output === 'remote-name' || (output === undefined && values.remoteNameAll === true)
    const takesHeader = values.remoteHeaderName === true && isRemoteName
    const name = takesHeader ? dispositionName(headers.find(([field]) => field === 'content-disposition')?.[1]) : undefined
    if (name !== undefined) this.path = inFolder(name, values)
    return sinkOf(this.path, resumeFrom, values, name !== undefined)
  }
}

/** The offset of `-C`. @throws CommandError. */
function offsetOf({ continueAt, remoteHeaderName }: GetValues, path: string | undefined): number {
  if (continueAt === undefined) return 0
  if (remoteHeaderName === true) throw new CommandError('--continue-at and --remote-header-name cannot be used together')
  if (continueAt !== '-') return integerOf('--continue-at', continueAt, 0, Number.MAX_SAFE_INTEGER)
  return path === '-' ? 0 : sizeOf(path)
}

/** Ctrl-C ends the transfers and keeps what has arrived; a second one ends the process at once. */
function watchProcess(abort: AbortController): () => void {
  const onSignal = (signal: NodeJS.Signals): void => {
    const exitCode = signal === 'SIGINT' ? Exit.INTERRUPTED : Exit.TERMINATED
    if (abort.signal.aborted) process.exit(exitCode)
    abort.abort(new CommandError('interrupted; -C - continues a download', exitCode))
  }
  // The reader of a pipe, such as head, has enough.
  const onClosed = ({ code, message }: NodeJS.ErrnoException): void => {
    abort.abort(new CommandError(code === 'EPIPE' ? '' : `cannot write to standard output: ${message}`, Exit.WRITE))
  }
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  // It stays: the error of a last write may arrive when all transfers are over.
  process.stdout.on('error', onClosed)
  return () => process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
}

/** `--verbose` and `--trace`. @param onError called if a trace cannot be written. @returns functions that end them. */
function startLogs(parts: readonly GetValues[], onError: (error: CommandError) => void): (() => void)[] {
  const { trace, traceAscii } = parts.find((values) => values.trace ?? values.traceAscii) ?? {}
  return [
    ...(trace === undefined ? [] : [traceTo(trace, false, onError)]),
    ...(traceAscii === undefined ? [] : [traceTo(traceAscii, true, onError)]),
    ...(parts.some(({ verbose }) => verbose) ? [logFrames()] : []),
  ]
}
