/**
 * Logs TLS secrets for programs that decrypt captured traffic (draft-ietf-tls-keylogfile). Writes
 * synchronously, so that no line is lost if the process crashes. All clients share one open file.
 */

import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { resolve } from 'node:path'
import { invalidOption } from '../../schema/option-checks.js'

/**
 * A file, a function that receives each line including its line end, or whether `SSLKEYLOGFILE` is
 * used.
 */
export type KeyLogOption = boolean | string | ((line: Buffer) => void)

/** The absolute path of a file, or a function. */
export type KeyLogTarget = string | ((line: Buffer) => void)

/** Readable only by the user of the process. */
const MODE = 0o600

/** Nonblocking: neither a pipe without a reader nor a full one may block the process. */
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NONBLOCK ?? 0)

/**
 * Reads the option, and checks that the file is writable.
 * @throws UsageError `ERR_INVALID_OPTION` if it is not. For a file named by the environment, emits
 *   a warning instead, and logs nothing.
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

/** The key log of one client. A failure emits one warning and ends no connection. */
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

  /** Closes the key log. The last client that uses the file closes it. */
  close(): void {
    // A handshake that ends later must not open the file again.
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
