/** A file, or a part of one, as content: read at the pace of whoever sends it, and closed in every ending. */

import { type FileHandle, open } from 'node:fs/promises'
import { UsageError } from '@unshard/core'

/** Octets read at once. */
const CHUNK_BYTES = 65_536

/** Which octets of a file. */
export interface FileRange {
  /** The first octet. Default 0. */
  readonly start?: number
  /** The last octet, inclusive as in `fs.createReadStream` and in a Range field. Default: the end of the file. */
  readonly end?: number
}

/**
 * Opens a file to be sent.
 * @throws UsageError `ERR_INVALID_OPTION` for what is no regular file, or a range that is not inside it; Node's own error where it cannot be opened.
 */
export async function openFile(path: string | URL, range: FileRange = {}): Promise<SourceFile> {
  const handle = await open(path, 'r')
  try {
    const stat = await handle.stat()
    if (!stat.isFile()) throw new UsageError('ERR_INVALID_OPTION', `${String(path)} is not a regular file`)
    const { start = 0, end = stat.size - 1 } = range
    const whole = Number.isSafeInteger(start) && Number.isSafeInteger(end)
    if (!whole || start < 0 || end < start - 1 || end >= stat.size) {
      throw new UsageError(
        'ERR_INVALID_OPTION',
        `octets ${start} to ${end} are not inside ${String(path)}, which has ${stat.size}`,
      )
    }
    return new SourceFile(handle, start, end - start + 1)
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** An open file. Iterated once; closed at its end, when it is left, and by {@link close}. */
export class SourceFile implements AsyncIterable<Uint8Array> {
  readonly #handle: FileHandle
  readonly #start: number
  #closed: Promise<void> | undefined
  /** Octets that are sent. A file that shrinks meanwhile fails its request; one that grows is sent as it was. */
  readonly length: number
  /** Told after each part how many octets were handed over. What it throws ends the request. */
  onPart: ((sentBytes: number) => void) | undefined

  constructor(handle: FileHandle, start: number, length: number) {
    this.#handle = handle
    this.#start = start
    this.length = length
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (let sent = 0; sent < this.length; ) {
        // Memory of its own each time: a part may wait for the peer's window while the next one is read.
        const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, this.length - sent))
        const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, this.#start + sent)
        if (bytesRead === 0) return
        sent += bytesRead
        yield buffer.subarray(0, bytesRead)
        this.onPart?.(sent)
      }
    } finally {
      await this.close()
    }
  }

  /** Closes it, after a read that is under way. */
  close(): Promise<void> {
    this.#closed ??= this.#handle.close()
    return this.#closed
  }
}
