/**
 * Starts and stops the suite's server in a separate process: it must not share state with the
 * subject.
 */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createAuthority } from '@unshard/testkit'
import type { Wire } from './arguments.js'

/** A running server. */
export interface SuiteServer {
  /** `http://localhost:port` or `https://localhost:port`. */
  readonly url: string
  /** PEM of the authority that signed its certificate. */
  readonly ca: string | undefined
  close(): Promise<void>
}

/** @throws Error if the suite's server does not start. */
export async function startServer(suite: string, wire: Wire): Promise<SuiteServer> {
  const identity = wire === 'h2' ? await makeIdentity() : undefined
  const env = { ...process.env, WPT_SERVER: JSON.stringify({ suite, key: identity?.key, cert: identity?.cert }) }
  const child = fork(fileURLToPath(new URL('./server-process.js', import.meta.url)), [], { env, silent: true })
  const port = await portOf(child)
  return {
    url: `${wire === 'h2' ? 'https' : 'http'}://localhost:${port}`,
    ca: identity?.ca,
    async close() {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}

async function makeIdentity(): Promise<{ key: string; cert: string; ca: string }> {
  const authority = await createAuthority()
  const { key, cert } = await authority.issue({ names: ['localhost'], ips: ['127.0.0.1'] })
  return { key, cert, ca: authority.ca }
}

async function portOf(child: ChildProcess): Promise<string> {
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`the suite's server ended with ${code}`)))
  ended.catch(() => undefined)
  const [message] = (await Promise.race([once(child, 'message'), ended])) as [{ server: string }]
  return new URL(message.server).port
}
