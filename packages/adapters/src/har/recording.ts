/** The document: entries in the order in which they are added, up to a maximum size, to a sink that may fail. */

import type { UnshardError } from '@unshard/core'
import { UsageError } from '@unshard/core'
import type { HarEntry } from './format.js'
import { VERSION } from './version.js'

/** Where a recording goes. Calls do not overlap. */
export interface HarSink {
  /** Adds entries. @param tail what ends the document after them. */
  append(entries: string, tail: string): Promise<void>
  end(): Promise<void>
}

/** Beginning of the document. */
export const HEAD: string = `{"log":{"version":"1.2","creator":{"name":"unshard","version":"${VERSION}"},"pages":[],"entries":[`
/** End of a document from which no entry is missing. */
export const TAIL = '\n]}}\n'
/** Space for the number of omitted entries, in bytes. */
const COMMENT_BYTES = 200

/** A recording in progress. */
export class Recording {
  readonly #sink: HarSink
  readonly #maxBytes: number
  readonly #onFailed: (error: UnshardError) => void
  #bytes = HEAD.length + TAIL.length + COMMENT_BYTES
  /** Serialized entries that are to be written. */
  #pending: string[] = []
  #written: Promise<void> | undefined
  #failed = false
  entries = 0
  /** Number of entries beyond the maximum size. */
  omitted = 0

  /** @param onFailed called once, when the sink has failed. */
  constructor(sink: HarSink, maxBytes: number, onFailed: (error: UnshardError) => void) {
    this.#sink = sink
    this.#maxBytes = maxBytes
    this.#onFailed = onFailed
  }

  add(entry: HarEntry): void {
    if (this.#failed) return
    const text = `${this.entries === 0 ? '' : ','}\n${JSON.stringify(entry)}`
    const length = Buffer.byteLength(text)
    // Once an entry is omitted, all are: a recording without gaps can be understood.
    if (this.omitted > 0 || this.#bytes + length > this.#maxBytes) this.omitted++
    else {
      this.#bytes += length
      this.entries++
      this.#pending.push(text)
    }
    this.#written ??= this.#write()
  }

  /** Writes what is pending, and ends the document. */
  async end(): Promise<void> {
    await this.#written
    try {
      await this.#sink.end()
    } catch (error) {
      this.#fail(error)
    }
  }

  async #write(): Promise<void> {
    let counted = 0
    try {
      while (this.#pending.length > 0 || counted < this.omitted) {
        counted = this.omitted
        await this.#sink.append(this.#pending.splice(0).join(''), tailOf(counted))
      }
    } catch (error) {
      this.#fail(error)
    }
    this.#written = undefined
  }

  #fail(cause: unknown): void {
    if (this.#failed) return
    this.#failed = true
    this.#pending = []
    this.#onFailed(writeError(cause))
  }
}

/** End of the document. @param omitted number of missing entries. */
function tailOf(omitted: number): string {
  return omitted === 0 ? TAIL : `\n],"comment":"maxBytes was reached: ${omitted} further entries were not recorded"}}\n`
}

/** The error of a recording that cannot be written. */
export function writeError(cause: unknown): UsageError {
  const message = `the recording cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`
  return new UsageError('ERR_HAR_WRITE', message, { cause })
}
