/**
 * Secrets of TLS connections, written for programs that decrypt what was captured (draft-ietf-tls-keylogfile). Each line is in the file
 * when the call returns: a process that dies leaves them all. One open file for all clients of the process.
 */

import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { resolve } from 'node:path'
import { invalidOption } from '../../schema/option-checks.js'

/** A file, a function that gets each line with its line end, or whether `SSLKEYLOGFILE` is heeded. */
export type KeyLogOption = boolean | string | ((line: Buffer) => void)

/** Where the lines go: the absolute path of a file, or a function. */
export type KeyLogTarget = string | ((line: Buffer) => void)

/** Nobody but the user of the process reads it. */
const MODE = 0o600

/** A pipe without a reader is an error, and one that is full as well: neither may stop the process. */
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NONBLOCK ?? 0)

/**
 * Reads the option, and tries whether the file can be written to.
 * @throws UsageError `ERR_INVALID_OPTION` where it cannot. Where the environment named it, that is a warning, and nothing is logged.
 */
export function keyLogTarget(option: KeyLogOption | undefined, environment: NodeJS.ProcessEnv): KeyLogTarget | undefined {
  if (typeof option === 'function') return option
  if (option === false) return undefined
  if (typeof option === 'string' && option !== '') {
    const path = resolve(option)
    const failure = tryOut(path)
    if (failure !== undefined) throw invalidOption('tls.keylog', `a file that can be written to (${failure})`, option)
    return path
  }
  if (option !== undefined && option !== true) throw invalidOption('tls.keylog', 'true, false, a file name or a function', option)
  const named = environment['SSLKEYLOGFILE']
  if (named === undefined || named === '') return undefined
  const path = resolve(named)
  const failure = tryOut(path)
  if (failure === undefined) return path
  warn(`SSLKEYLOGFILE is not written: ${failure}`)
  return undefined
}

function tryOut(path: string): string | undefined {
  try {
    closeSync(openSync(path, FLAGS, MODE))
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

interface OpenFile {
  readonly descriptor: number
  users: number
}

const files = new Map<string, OpenFile>()

/** The key log of one client. What goes wrong here ends no connection: it is a warning, once. */
export class KeyLog {
  readonly #target: KeyLogTarget
  #file: OpenFile | undefined
  #broken = false
  #closed = false

  constructor(target: KeyLogTarget) {
    this.#target = target
  }

  write(line: Buffer): void {
    if (this.#broken || this.#closed) return
    try {
      if (typeof this.#target === 'function') this.#target(line)
      else this.#writeAll(this.#target, line)
    } catch (error) {
      this.#broken = true
      warn(`the key log is not written any more: ${String(error)}`)
    }
  }

  /** The client is over: the file is closed with the last one that writes to it. */
  close(): void {
    // A handshake that ends after its client opens nothing again.
    this.#closed = true
    const file = this.#file
    this.#file = undefined
    if (file === undefined || --file.users > 0) return
    files.delete(this.#target as string)
    closeSync(file.descriptor)
  }

  #writeAll(path: string, line: Buffer): void {
    this.#file ??= open(path)
    for (let at = 0; at < line.length; ) at += writeSync(this.#file.descriptor, line, at)
  }
}

function open(path: string): OpenFile {
  let file = files.get(path)
  if (file === undefined) {
    file = { descriptor: openSync(path, FLAGS, MODE), users: 0 }
    files.set(path, file)
  }
  file.users++
  return file
}

function warn(message: string): void {
  process.emitWarning(message, { code: 'UNSHARD_KEYLOG' })
}
