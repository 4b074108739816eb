/** Where content goes: standard output, or a file that is written as bytes arrive. */

import { closeSync, fstatSync, ftruncateSync, mkdirSync, openSync, statSync, writeSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { CommandError } from '../errors.js'
import { decoded } from '../values.js'
import { Exit } from './exit-codes.js'
import type { GetValues, OutputChoice } from './options.js'

/** Takes the bytes of one transfer, in order. */
export interface Sink {
  /** Path of the file; `undefined` for standard output. */
  readonly path: string | undefined
  /** Whether bytes are written before the call returns, so that their memory may be used again. */
  readonly isImmediate: boolean
  /** Writes bytes; a promise if the reader is slower. @throws CommandError with curl's exit code 23. */
  write(bytes: Uint8Array): Promise<void> | undefined
  /** Removes what was written since the beginning, for another attempt. @returns whether it could. */
  restart(): boolean
  /** Ends a transfer. @param isWhole whether a file must exist, even without content. */
  end(isWhole: boolean): void
}

/** Options of {@link FileSink}. */
export interface FileSinkOptions {
  /** Offset of the first byte: a download that is continued. */
  readonly start: number
  readonly createsFolders: boolean
  /** Refuses a file that exists, because a server chose its name. */
  readonly isNew: boolean
}

/** A file, created with the first byte. A failed transfer leaves what has arrived. */
export class FileSink implements Sink {
  readonly isImmediate = true
  readonly path: string
  readonly #start: number
  readonly #options: FileSinkOptions
  #fd: number | undefined
  #position: number
  /** A pipe or a device has no positions. */
  #isRegular = true
  #hasWritten = false

  constructor(path: string, options: FileSinkOptions) {
    this.path = path
    const { start } = options
    this.#start = start > 0 ? Math.min(start, sizeOf(path)) : 0
    this.#position = this.#start
    this.#options = options
  }

  write(bytes: Uint8Array): undefined {
    const fd = this.#open()
    this.#hasWritten = true
    try {
      for (let written = 0; written < bytes.length; ) {
        const count = writeSync(fd, bytes, written, bytes.length - written, this.#isRegular ? this.#position : null)
        written += count
        this.#position += count
      }
    } catch (error) {
      throw this.#error(error)
    }
  }

  restart(): boolean {
    if (this.#hasWritten && !this.#isRegular) return false
    this.#position = this.#start
    if (this.#fd === undefined) return true
    ftruncateSync(this.#fd, this.#start)
    return true
  }

  end(isWhole: boolean): void {
    if (isWhole) this.#open()
    if (this.#fd === undefined) return
    const fd = this.#fd
    this.#fd = undefined
    try {
      closeSync(fd)
    } catch (error) {
      throw this.#error(error)
    }
  }

  #open(): number {
    if (this.#fd !== undefined) return this.#fd
    try {
      if (this.#options.createsFolders) mkdirSync(dirname(this.path), { recursive: true })
      // A file that an earlier attempt created is not new any more.
      const flags = this.#start > 0 ? 'r+' : this.#options.isNew && !this.#hasWritten ? 'wx' : 'w'
      this.#fd = openSync(this.path, flags)
      this.#isRegular = fstatSync(this.#fd).isFile()
      return this.#fd
    } catch (error) {
      throw this.#error(error)
    }
  }

  #error(error: unknown): CommandError {
    return new CommandError(`cannot write ${JSON.stringify(this.path)}: ${(error as Error).message}`, Exit.WRITE)
  }
}

/** Standard output. */
export class StandardOutput implements Sink {
  readonly path = undefined
  readonly isImmediate = false
  #written = 0
  /** Whether a terminal may get any bytes. */
  readonly #takesBinary: boolean

  constructor(takesBinary: boolean) {
    this.#takesBinary = takesBinary || !process.stdout.isTTY
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#written === 0 && !this.#takesBinary && bytes.includes(0)) {
      const advice = 'use -o <file>, or -o - to print it'
      throw new CommandError(`the content is binary, and could confuse the terminal: ${advice}`, Exit.WRITE)
    }
    this.#written += bytes.length
    return process.stdout.write(bytes) ? undefined : drained()
  }

  restart(): boolean {
    return this.#written === 0
  }

  end(): void {}
}

let draining: Promise<void> | undefined

/** Resolves when standard output takes more, for all transfers that wait. Rejects without a message if its reader has closed it. */
function drained(): Promise<void> {
  draining ??= new Promise<void>((resolve, reject) => {
    const { stdout } = process
    const onDrain = (): void => {
      stdout.off('error', onError)
      resolve()
    }
    const onError = (): void => {
      stdout.off('drain', onDrain)
      reject(new CommandError('', Exit.WRITE))
    }
    stdout.once('drain', onDrain).once('error', onError)
  }).finally(() => {
    draining = undefined
  })
  return draining
}

/** Discards the bytes: `/dev/null` without a system call for each part. */
class NoOutput implements Sink {
  readonly isImmediate = true
  readonly path = '/dev/null'

  write(): undefined {}

  restart(): boolean {
    return true
  }

  end(): void {}
}

/** Opens the sink of a transfer. @param isNew whether the file must not exist. */
export function sinkOf(path: string | undefined, start: number, { createDirs }: GetValues, isNew: boolean): Sink {
  if (path === undefined || path === '-') return new StandardOutput(path === '-')
  return path === '/dev/null' ? new NoOutput() : new FileSink(path, { start, createsFolders: createDirs === true, isNew })
}

/**
 * Returns the path of the file that a choice names; `undefined` for standard output.
 * @param parts texts of the globs of the URL, for `#1`.
 * @throws CommandError with curl's exit code 23 if the URL names no file.
 */
export function pathOf(
  choice: OutputChoice | undefined,
  url: URL,
  parts: readonly string[],
  values: GetValues,
): string | undefined {
  if (choice === undefined) return values.remoteNameAll === true ? remotePath(url, values) : undefined
  if (choice === 'remote-name') return remotePath(url, values)
  if (choice.file === '-') return '-'
  const file = choice.file.replace(/#([0-9]{1,3})/g, (mark, digits: string) => parts[Number(digits) - 1] ?? mark)
  return inFolder(file, values)
}

/** The name that `content-disposition` has (RFC 6266 §4.3), without folders; `undefined` without one. */
export function dispositionName(value: string | undefined): string | undefined {
  if (value === undefined) return undefined
  const at = value.toLowerCase().indexOf('filename=')
  if (at === -1) return undefined
  const rest = value.slice(at + 9)
  const name = rest.startsWith('"') ? rest.slice(1, rest.indexOf('"', 1)) : rest.slice(0, rest.search(/[;\s]|$/))
  return safeName(name)
}

/** Puts a file into the folder of `--output-dir`. */
export function inFolder(file: string, { outputDir }: GetValues): string {
  return outputDir === undefined ? file : join(outputDir, file)
}

/** Bytes that a file has, for `-C -`; 0 without one. */
export function sizeOf(path: string | undefined): number {
  return path === undefined ? 0 : (statSync(path, { throwIfNoEntry: false })?.size ?? 0)
}

function remotePath(url: URL, values: GetValues): string {
  const name = safeName(decoded(url.pathname.slice(url.pathname.lastIndexOf('/') + 1)))
  if (name === undefined)
    throw new CommandError(`the URL ${JSON.stringify(url.href)} has no file name: use -o <file>`, Exit.WRITE)
  return inFolder(name, values)
}

/** A name from the network must not leave the folder. */
function safeName(text: string): string | undefined {
  const name = basename(text.replaceAll('\\', '/')).replaceAll('\0', '')
  return name === '' || name === '.' || name === '..' ? undefined : name
}
