/** Runs one file in a separate thread and collects its results until it completes or times out. */

import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Subject } from './arguments.js'
import type { TestFile } from './suite.js'

/** Input of a thread. */
export interface WorkerInput {
  readonly fixtures: string
  readonly test: TestFile
  readonly subject: Subject
  readonly url: string
  readonly ca: string | undefined
}

/** Messages of a thread. `status` is the harness's: 0 is a pass. */
export type Message =
  | { readonly type: 'result'; readonly name: string; readonly status: number; readonly message: string | null }
  | { readonly type: 'completion' }
  | { readonly type: 'uncaught'; readonly message: string }

/** One subtest. */
export interface Subtest {
  readonly name: string
  readonly passed: boolean
  readonly message: string | null
}

/** Result of a file, or of one of its variants. */
export interface FileResult {
  /** Including the query of the variant. */
  readonly path: string
  readonly subtests: readonly Subtest[]
  /** The file did not complete. */
  readonly timedOut: boolean
  /** Uncaught errors. */
  readonly uncaught: readonly string[]
}

/** Always resolves: failures are part of the result. */
export function runFile(input: WorkerInput, variant: string): Promise<FileResult> {
  const subtests: Subtest[] = []
  const uncaught: string[] = []
  return new Promise((resolve) => {
    const worker = new Worker(fileURLToPath(new URL('./worker.js', import.meta.url)), { workerData: input, stdout: true })
    const end = (timedOut: boolean): void => {
      clearTimeout(timer)
      const result = { path: input.test.path + variant, subtests, timedOut, uncaught }
      worker.terminate().then(
        () => resolve(result),
        () => resolve(result),
      )
    }
    const timer = setTimeout(() => end(true), input.test.timeoutMs)
    worker.on('message', (message: Message) => {
      if (message.type === 'completion') end(false)
      else if (message.type === 'uncaught') uncaught.push(message.message)
      else subtests.push({ name: message.name, passed: message.status === 0, message: message.message })
    })
    worker.on('error', (error: Error) => uncaught.push(String(error.stack)))
    worker.on('exit', () => end(subtests.length === 0))
  })
}
