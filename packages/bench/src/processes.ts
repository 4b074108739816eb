/** Starts this package's scripts, each in a process of its own on a given core, and waits for what they say. */

import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { pinned } from '@unshard/testkit'

export interface ScriptOptions {
  readonly core?: number | undefined
  readonly args?: readonly string[]
  /** For Node itself. */
  readonly nodeOptions?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
}

/** Its standard output goes to ours for errors: the table or the JSON stays alone on the other. */
export function startScript(name: string, { core, args = [], nodeOptions = [], env = {} }: ScriptOptions): ChildProcess {
  const script = fileURLToPath(new URL(`./${name}`, import.meta.url))
  const [file, ...rest] = pinned(core, [process.execPath, ...nodeOptions, script, ...args])
  return spawn(file, rest, { stdio: ['ignore', 2, 2, 'ipc'], env: { ...process.env, ...env } })
}

/** One turn: a fresh process is sent a message, answers with one, and is gone when this is done: the next one gets the core for itself. */
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

/** Options of Node's for a CPU profile that says in its name whose it is. */
export function profiling(folder: string | undefined, name: string): string[] {
  if (folder === undefined) return []
  const file = `${name.replaceAll(/[^a-z0-9]+/gi, '-')}-${Date.now()}.cpuprofile`
  return ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-name=${file}`]
}

/** The next message of a process. @throws Error when it ends without one, or says nothing in time (then it is killed). */
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
