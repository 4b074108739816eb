/** Runs `unshard get` as a process, in a folder of its own, against local servers of any name. */

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type OriginServer, type OriginServerOptions, startOriginServer, type TestWorld, testWorld } from '@unshard/testkit'

/** The built command. */
export const COMMAND: string = join(dirname(fileURLToPath(import.meta.url)), '../../../dist/bundle/cli/main.js')

/** The outcome of a command. */
export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A folder in which commands run. */
export interface Folder {
  readonly path: string
  /** Runs `unshard get` with the test authority. */
  get(...args: readonly string[]): Promise<Ran>
  /** Starts it. @returns the process, and its outcome. */
  start(args: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<Ran> }
  /** Runs another command. */
  run(...args: readonly string[]): Promise<Ran>
  /** Starts it. */
  startCommand(args: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<Ran> }
  read(name: string): Promise<string>
  write(name: string, content: string | Uint8Array): Promise<void>
}

/** Call once, at the top level of a test file. */
export function getFixture(): {
  readonly world: TestWorld
  server(options?: OriginServerOptions & { names?: string[] }): Promise<OriginServer>
  folder(): Promise<Folder>
} {
  const world = testWorld()
  return {
    world,
    async server({ names = ['*.test.example', 'localhost'], ...options } = {}) {
      const started = await startOriginServer({ tls: await world.authority.issue({ names }), ...options })
      world.defer(() => started.close())
      return started
    },
    async folder() {
      const path = await mkdtemp(join(tmpdir(), 'unshard-get-'))
      world.defer(() => rm(path, { recursive: true }))
      await writeFile(join(path, 'ca.pem'), world.authority.ca)
      return folderAt(path)
    },
  }
}

function folderAt(path: string): Folder {
  const startCommand = (args: readonly string[]): { child: ChildProcess; ended: Promise<Ran> } => {
    const child = spawn(process.execPath, [COMMAND, ...args], { cwd: path, env: { PATH: process.env['PATH'], HOME: path } })
    return { child, ended: outcomeOf(child) }
  }
  const start = (args: readonly string[]): { child: ChildProcess; ended: Promise<Ran> } =>
    startCommand(['get', '--cacert', join(path, 'ca.pem'), '--connect-to', '::127.0.0.1:', ...args])
  return {
    path,
    start,
    startCommand,
    run: (...args) => startCommand(args).ended,
    get: (...args) => start(args).ended,
    read: (name) => readFile(join(path, name), 'utf8'),
    write: (name, content) => writeFile(join(path, name), content),
  }
}

/** Collects what a process prints. */
export function outcomeOf(child: ChildProcess): Promise<Ran> {
  const stdout: string[] = []
  const stderr: string[] = []
  child.stdout?.setEncoding('utf8').on('data', (text: string) => stdout.push(text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => stderr.push(text))
  child.stdin?.end()
  return new Promise((resolve) =>
    child.once('close', (code) => resolve({ code, stdout: stdout.join(''), stderr: stderr.join('') })),
  )
}
