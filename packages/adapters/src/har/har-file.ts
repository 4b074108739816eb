/**
 * A recording on disk. After each write the file is a complete document: each write begins at the
 * end of the last entry, and ends the document again. Knows nothing about requests.
 */

import { close, ftruncate, openSync, write, writeSync } from 'node:fs'
import { promisify } from 'node:util'
import type { HarSink } from './recording.js'

const writeAt = promisify(write)
const truncate = promisify(ftruncate)
/** Readable by the user alone: a recording has what the requests had. */
const PERMISSIONS = 0o600

/** A file. */
export class HarFile implements HarSink {
  readonly #descriptor: number
  /** End of the last entry. */
  #end: number
  #tail: string

  /** Creates or replaces the file. @throws the error of the system. */
  constructor(path: string, head: string, tail: string) {
    this.#descriptor = openSync(path, 'w', PERMISSIONS)
    this.#end = Buffer.byteLength(head)
    this.#tail = tail
    try {
      writeSync(this.#descriptor, head + tail, 0)
    } catch (error) {
      close(this.#descriptor)
      throw error
    }
  }

  async append(entries: string, tail: string): Promise<void> {
    try {
      await this.#write(entries + tail)
    } catch (error) {
      // The old end of the document has its place on the disk, even if that is full.
      await this.#write(this.#tail).catch(() => undefined)
      await truncate(this.#descriptor, this.#end + Buffer.byteLength(this.#tail)).catch(() => undefined)
      throw error
    }
    this.#end += Buffer.byteLength(entries)
    this.#tail = tail
  }

  end(): Promise<void> {
    return promisify(close)(this.#descriptor)
  }

  /** Writes at the end of the last entry. A disk that becomes full accepts a part first. */
  async #write(text: string): Promise<void> {
    const bytes = Buffer.from(text)
    let written = 0
    while (written < bytes.length) {
      const { bytesWritten } = await writeAt(this.#descriptor, bytes, written, bytes.length - written, this.#end + written)
      written += bytesWritten
    }
  }
}
