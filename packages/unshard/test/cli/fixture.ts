/** Runs the command as a separate process against local servers. */

import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type OriginServer, type OriginServerOptions, startOriginServer, type TestWorld, testWorld } from '@unshard/testkit'

/** The program. */
export const main: string = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'dist', 'bundle', 'cli', 'main.js')

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Creates an empty folder, which is removed when the test ends. */
export async function runFolder(environment: TestWorld): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'unshard-cli-'))
  environment.defer(() => rm(folder, { recursive: true }))
  return folder
}

/** Call once, at the top level of a test file. */
export function commandFixture(): {
  environment: TestWorld
  server(options?: OriginServerOptions & { names?: string[] }): Promise<OriginServer>
  unshard(...args: string[]): Promise<Ran>
  /** Runs the command with the test authority trusted and every name of `hosts` at its address. */
  unshardAt(hosts: Record<string, string>, ...args: string[]): Promise<Ran>
} {
  const environment = testWorld()
  const unshard = (...args: string[]): Promise<Ran> =>
    new Promise((resolve) => {
      execFile(process.execPath, [main, ...args], (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : (error.code as unknown as number), stdout, stderr })
      })
    })
  return {
    environment,
    unshard,
    async server({ names = ['*.test.example'], ...options } = {}) {
      const started = await startOriginServer({ tls: await environment.authority.issue({ names }), ...options })
      environment.defer(() => started.close())
      return started
    },
    async unshardAt(hosts, ...args) {
      const folder = await runFolder(environment)
      await writeFile(join(folder, 'ca.pem'), environment.authority.ca)
      const resolve = Object.entries(hosts).flatMap(([host, address]) => ['--resolve', `${host}=${address}`])
      return unshard(...args, '--cacert', join(folder, 'ca.pem'), ...resolve)
    },
  }
}
