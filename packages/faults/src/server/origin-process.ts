/** The origin server as a separate process: start, kill, stop, and count what has reached it. */

import { type ChildProcess, fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Credentials } from '@unshard/testkit'
import { Account, type Backend, type Point } from './account.js'
import type { FromOrigin, ToOrigin } from './origin-main.js'

const PROGRAM = fileURLToPath(new URL('./origin-main.js', import.meta.url))

export class OriginProcess implements Backend {
  readonly prefix = ''
  readonly buffers = false
  readonly #tls: Credentials
  readonly #account = new Account()
  readonly #pending = new Map<number, () => void>()
  #child: ChildProcess | undefined
  #ports: readonly number[] = []
  #last = 0

  constructor(tls: Credentials) {
    this.#tls = tls
  }

  get port(): number {
    return this.#ports[0]!
  }

  get narrowPort(): number {
    return this.#ports[1]!
  }

  /** Port of the same server without HTTP/2. */
  get http1Port(): number {
    return this.#ports[2]!
  }

  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      const child = fork(PROGRAM, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
      this.#child = child
      child.once('error', reject)
      child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)))
      child.on('message', (message: FromOrigin) => {
        if ('ports' in message) {
          this.#ports = message.ports
          resolve()
        } else if ('done' in message) this.#answered(message.done)
        else this.#account.at(message.id, message.point)
      })
      this.#tell({ start: { tls: this.#tls } })
    })
  }

  /** Sends SIGKILL. Resolves when the process has ended. */
  kill(): Promise<void> {
    const child = this.#child!
    return new Promise((resolve) => {
      child.once('exit', () => resolve())
      child.kill('SIGKILL')
    })
  }

  /** Sends SIGSTOP. Resolves when the process has stopped. */
  async stop(): Promise<void> {
    this.#child!.kill('SIGSTOP')
    // The third field is the state, after a name in parentheses.
    while (!/\) [Tt] /.test(readFileSync(`/proc/${this.#child!.pid}/stat`, 'utf8'))) await new Promise(setImmediate)
  }

  /** Sends SIGCONT. */
  go(): void {
    this.#child!.kill('SIGCONT')
  }

  /** Ends the process permanently. */
  close(): Promise<void> {
    return this.#child?.exitCode === null && this.#child.signalCode === null ? this.kill() : Promise.resolve()
  }

  reached(id: string, point: Point): Promise<void> {
    return this.#account.reached(id, point)
  }

  release(run: string): void {
    this.#tell({ release: run })
  }

  async deliveries(id: string): Promise<number> {
    await this.#ask((sync) => ({ sync }))
    return this.#account.deliveries(id)
  }

  quiet(): Promise<void> {
    return this.#ask((quiet) => ({ quiet }))
  }

  #ask(question: (number: number) => ToOrigin): Promise<void> {
    const number = ++this.#last
    return new Promise((resolve) => {
      this.#pending.set(number, resolve)
      this.#tell(question(number))
    })
  }

  #answered(number: number): void {
    this.#pending.get(number)?.()
    this.#pending.delete(number)
  }

  #tell(message: ToOrigin): void {
    // A killed process receives nothing.
    if (this.#child!.connected) this.#child!.send(message, () => undefined)
  }
}
