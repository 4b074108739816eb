/** Control of the server process from the client process. */

import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { pinned } from '@unshard/testkit'
import type { FromServers, Seen, ToServers } from './messages.js'

/** Node.js for the servers: another one than this program runs on, if the variable names it. */
const NODE = process.env['UNSHARD_SERVER_NODE'] ?? process.execPath
const PROGRAM = fileURLToPath(new URL('./server-main.js', import.meta.url))

export class Servers {
  readonly #child: ChildProcess
  readonly #onReport: (report: Seen) => void
  readonly #restarting = new Set<number>()
  #onPort: (port: number) => void = () => undefined
  #onAll: () => void = () => undefined
  #reject: (error: Error) => void = () => undefined
  /** Rejects if the process ends unexpectedly. */
  readonly lost: Promise<never>

  constructor(core: number | undefined, onReport: (report: Seen) => void) {
    const [file, ...rest] = pinned(core, [NODE, PROGRAM])
    this.#onReport = onReport
    this.#child = spawn(file, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.lost = new Promise((_, reject) => {
      this.#reject = reject
    })
    this.lost.catch(() => undefined)
    this.#child.once('exit', (code) => this.#reject(new Error(`the servers ended with ${code}`)))
    this.#child.on('message', (message: FromServers) => this.#message(message))
  }

  /** Resolves with the port that all servers use. */
  start(start: Extract<ToServers, { start: unknown }>['start']): Promise<number> {
    const port = new Promise<number>((resolve) => {
      this.#onPort = resolve
    })
    this.#child.send({ start } satisfies ToServers)
    return Promise.race([port, this.lost])
  }

  /** Changes a server unless it is being restarted. */
  change(message: ToServers): void {
    if (typeof message === 'object' && 'restart' in message) {
      if (this.#restarting.has(message.restart.address)) return
      this.#restarting.add(message.restart.address)
    }
    this.#child.send(message)
  }

  /** Resolves when everything that arrived has been reported. */
  reported(): Promise<void> {
    const all = new Promise<void>((resolve) => {
      this.#onAll = resolve
    })
    this.#child.send('tell' satisfies ToServers)
    return Promise.race([all, this.lost])
  }

  end(): Promise<void> {
    return new Promise((resolve) => {
      this.#child.once('exit', () => resolve())
      this.#child.disconnect()
    })
  }

  #message(message: FromServers): void {
    if ('port' in message) this.#onPort(message.port)
    else if ('restarted' in message) this.#restarting.delete(message.restarted)
    else {
      this.#onReport(message.seen)
      if (message.all) this.#onAll()
    }
  }
}
