/**
 * Starts the scripts of this package, each in a separate process on a given core, and waits for
 * their messages.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { pinned } from '@unshard/testkit'

export interface ScriptOptions {
  readonly core?: number | undefined
  readonly args?: readonly string[]
  /** Options of Node itself. */
  readonly nodeOptions?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
}

/**
 * Its standard output is redirected to standard error, so that only the table or the JSON is on
 * standard output.
 */
export function startScript(name: string, { core, args = [], nodeOptions = [], env = {} }: ScriptOptions): ChildProcess {
  const script = fileURLToPath(new URL(`./${name}`, import.meta.url))
  const [file, ...rest] = pinned(core, [process.execPath, ...nodeOptions, script, ...args])
  return spawn(file, rest, { stdio: ['ignore', 2, 2, 'ipc'], env: { ...process.env, ...env } })
}

/**
 * Runs one turn: sends a message to a fresh process and returns its answer. Resolves when the
 * process has ended, so that the next one gets the core for itself.
 */
export async function takeTurn<T>(script: string, message: object, options: ScriptOptions, timeoutMs: number): Promise<T> {
  const child = startScript(script, options)
  const exit = new Promise((resolve) => {
    child.once('close', resolve).once('error', resolve)
  })
  try {
    child.send(message)
    return await nextMessage<T>(child, timeoutMs)
  } finally {
    await exit
  }
}

/** Node options for a CPU profile with the given name. */
export function profiling(folder: string | undefined, name: string): string[] {
  if (folder === undefined) return []
  const file = `${name.replaceAll(/[^a-z0-9]+/gi, '-')}-${Date.now()}.cpuprofile`
  return ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-name=${file}`]
}

/**
 * Resolves with the next message of a process. @throws Error if it ends without one, or times out
 * (it is then killed).
 */
export function nextMessage<T>(child: ChildProcess, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`no answer within ${timeoutMs} ms`))
    }, timeoutMs)
    const settle = (action: () => void): void => {
      clearTimeout(timer)
      child.off('exit', onExit).off('error', onError)
      action()
    }
    const onExit = (code: number | null, signal: string | null): void =>
      settle(() => reject(new Error(`a process of the benchmark ended early: ${signal ?? `code ${code}`}`)))
    const onError = (error: Error): void => settle(() => reject(error))
    child.once('exit', onExit)
    child.once('error', onError)
    child.once('message', (message) => settle(() => resolve(message as T)))
  })
}
