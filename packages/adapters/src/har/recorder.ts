/** `recordHar()`: wires the channels of a client, the entries and the recording. */

import type { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Client, UnshardError } from '@unshard/core'
import { invalidOption } from '@unshard/core/internal'
import { checkClient } from '../observation/check-client.js'
import type { Attempt } from './attempt.js'
import { type EntrySettings, entryOf } from './entry.js'
import { HarFile } from './har-file.js'
import { HarStream } from './har-stream.js'
import { type RecordHarOptions, type ResolvedHarOptions, resolveHarOptions } from './options.js'
import { type HarSink, HEAD, Recording, TAIL, writeError } from './recording.js'
import { Redaction } from './redaction.js'
import { RequestWatch } from './request-watch.js'

/** A recording in progress. */
export interface HarRecorder {
  /** Number of recorded entries. */
  readonly entries: number
  /** Number of entries that were not recorded, because `maxBytes` was reached. */
  readonly omitted: number
  /**
   * Ends the recording: adds requests in flight as they are, with an `_error`, and completes the document. Calls after the first return
   * the same promise.
   * @throws UsageError `ERR_HAR_WRITE` if the recording could not be written, unless `onError` was called.
   */
  stop(): Promise<void>
  /** Same as {@link stop}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Records each request of a client and its views as HAR 1.2, until the recorder is stopped: an entry for each attempt, when its content has
 * ended. Credentials and cookies are replaced by `redacted`.
 * @param target path or `file:` URL of a file, which is a complete document at all times and is replaced if it exists; or a stream, which
 *   is ended with the recording.
 * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`; `ERR_HAR_WRITE` if the file cannot be created.
 */
export function recordHar(client: Client, target: string | URL | Writable, options?: RecordHarOptions): HarRecorder {
  const clientId = checkClient(client)
  const resolved = resolveHarOptions(options)
  return new Recorder(clientId, sinkOf(target), resolved)
}

function sinkOf(target: string | URL | Writable): HarSink {
  if (typeof target === 'string' || target instanceof URL) {
    try {
      return new HarFile(target instanceof URL ? fileURLToPath(target) : target, HEAD, TAIL)
    } catch (error) {
      throw writeError(error)
    }
  }
  if (typeof target?.write === 'function' && typeof target.end === 'function') return new HarStream(target, HEAD, TAIL)
  throw invalidOption('target', 'a path or a writable stream', target)
}

class Recorder implements HarRecorder {
  readonly #watch: RequestWatch
  readonly #recording: Recording
  readonly #settings: EntrySettings
  readonly #onError: ((error: UnshardError) => void) | undefined
  /** Entries that are being made, in order: decoding takes time. */
  #added: Promise<void> = Promise.resolve()
  #error: UnshardError | undefined
  #stopped: Promise<void> | undefined

  constructor(clientId: number, sink: HarSink, { fields, query, maxBodyBytes, maxBytes, onError }: ResolvedHarOptions) {
    this.#settings = { redaction: new Redaction(fields, query), maxBodyBytes: maxBodyBytes ?? 0 }
    this.#onError = onError
    this.#recording = new Recording(sink, maxBytes, (error) => this.#failed(error))
    this.#watch = new RequestWatch(clientId, maxBodyBytes, (attempt) => this.#add(attempt))
  }

  get entries(): number {
    return this.#recording.entries
  }

  get omitted(): number {
    return this.#recording.omitted
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  #add(attempt: Attempt): void {
    const entry = entryOf(attempt, this.#settings)
    // Keep a failed promise from ending the process before it is awaited.
    entry.catch(() => undefined)
    const before = this.#added
    this.#added = before
      .then(() => entry)
      .then((made) => this.#recording.add(made))
      .catch((error: unknown) => this.#failed(writeError(error)))
  }

  async #stop(): Promise<void> {
    for (const attempt of this.#watch.stop()) {
      attempt.endedMs = performance.now()
      attempt.error = 'the recording was stopped before the request was over'
      this.#add(attempt)
    }
    await this.#added
    await this.#recording.end()
    if (this.#error !== undefined && this.#onError === undefined) throw this.#error
  }

  #failed(error: UnshardError): void {
    if (this.#error !== undefined) return
    this.#error = error
    // Closes the file. The result is for the caller of `stop()`.
    this.stop().catch(() => undefined)
    this.#onError?.(error)
  }
}
