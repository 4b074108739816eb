/** A file, or a part of one, as content: read as fast as it is sent, and always closed. */

import { type FileHandle, open } from 'node:fs/promises'
import { UsageError } from '@unshard/core'
import { printable } from '@unshard/core/internal'

/** Bytes per read. */
const CHUNK_BYTES = 65_536

/** Byte range of a file. */
export interface FileRange {
  /** Position of the first byte. @default 0 */
  readonly start?: number
  /**
   * Position of the last byte, inclusive as in `fs.createReadStream` and in a Range field. Default:
   * the end of the file.
   * @default the last byte
   */
  readonly end?: number
}

/**
 * Opens a file for sending.
 * @throws UsageError `ERR_INVALID_OPTION` if it is not a regular file or the range is outside it;
 * Node's own error if it cannot be opened.
 */
export async function openFile(path: string | URL, range: FileRange = {}): Promise<SourceFile> {
  const handle = await open(path, 'r')
  try {
    const stat = await handle.stat()
    if (!stat.isFile()) throw new UsageError('ERR_INVALID_OPTION', `${printable(String(path))} is not a regular file`)
    const { start = 0, end = stat.size - 1 } = range
    const whole = Number.isSafeInteger(start) && Number.isSafeInteger(end)
    if (!whole || start < 0 || end < start - 1 || end >= stat.size) {
      throw new UsageError(
        'ERR_INVALID_OPTION',
        `bytes ${start} to ${end} are outside ${printable(String(path))}, which has ${stat.size} bytes`,
      )
    }
    return new SourceFile(handle, start, end - start + 1)
  } catch (error) {
    await handle.close()
    throw error
  }
}

/**
 * An open file. Iterated once; closed at its end, when the iteration is left, and by {@link close}.
 */
export class SourceFile implements AsyncIterable<Uint8Array> {
  readonly #handle: FileHandle
  readonly #start: number
  #closed: Promise<void> | undefined
  /**
   * Number of bytes to send. A file that shrinks while it is sent fails its request; one that grows
   * is sent up to this length.
   */
  readonly length: number
  /**
   * Called after each part with the number of bytes handed over. An error it throws ends the
   * request.
   */
  onPart: ((sentBytes: number) => void) | undefined

  constructor(handle: FileHandle, start: number, length: number) {
    this.#handle = handle
    this.#start = start
    this.length = length
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (let sent = 0; sent < this.length; ) {
        // A new buffer each time: a part may wait for the peer's window while the next one is read.
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

  /** Closes the file once a pending read has finished. */
  close(): Promise<void> {
    this.#closed ??= this.#handle.close()
    return this.#closed
  }
}
