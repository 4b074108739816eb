/**
 * Worker processes: each runs one cell at a time, in the network of the machine or in a separate
 * namespace.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Cell } from '../cells.js'
import type { Certificates } from '../server/environment.js'
import type { Result, ToWorker } from './worker.js'

const PROGRAM = fileURLToPath(new URL('./worker.js', import.meta.url))
/** Maximum number of open files of a worker: few enough to exhaust them. */
const MAX_FILES = 512
/** A worker that reports nothing for this many milliseconds is stuck. */
const STUCK_MS = 180_000

export interface WorkersOptions {
  readonly certificates: Certificates
  readonly seed: number
  readonly jobs: number
  /** Creates a namespace and returns the command that runs a program in it. */
  readonly command?: () => readonly string[]
  onResult(cell: Cell, result: Result): void
}

/** Runs all cells, `jobs` at a time. */
export async function runCells(cells: readonly Cell[], options: WorkersOptions): Promise<void> {
  const left = [...cells]
  const worker = async (): Promise<void> => {
    const command = options.command?.() ?? []
    let child = start(command, options)
    for (let cell = left.shift(); cell !== undefined; cell = left.shift()) {
      const result = await ask(child, cell)
      options.onResult(cell, result)
      if (child.exitCode !== null || child.signalCode !== null) child = start(command, options)
    }
    await end(child)
  }
  await Promise.all(Array.from({ length: Math.min(options.jobs, cells.length) }, worker))
}

function start(command: readonly string[], { certificates, seed }: WorkersOptions): ChildProcess {
  // Node raises the soft limit to the hard one, so set both.
  const limited = ['sh', '-c', `ulimit -n ${MAX_FILES}; exec "$@"`, 'sh', process.execPath, PROGRAM]
  const [program, ...args] = [...command, ...limited]
  const child = spawn(program!, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  tell(child, { certificates, seed })
  return child
}

function tell(child: ChildProcess, message: ToWorker): void {
  child.send(message)
}

function ask(child: ChildProcess, cell: Cell): Promise<Result> {
  return new Promise((resolve) => {
    const failed = (why: string): void => done({ problems: [why], skipped: [], runs: 1, ms: STUCK_MS })
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      child.once('exit', () => failed(`the worker was stuck for ${STUCK_MS} ms`))
    }, STUCK_MS)
    const onExit = (code: number | null, signal: string | null): void => failed(`the worker died: ${signal ?? code}`)
    const done = (result: Result): void => {
      clearTimeout(timer)
      child.off('message', done)
      child.off('exit', onExit)
      resolve(result)
    }
    child.on('message', done)
    child.once('exit', onExit)
    tell(child, { cell })
  })
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    if (child.connected) tell(child, 'end')
    else resolve()
  })
}
