/** A recording that goes to a stream: the document is complete when the recording has ended. */

import type { Writable } from 'node:stream'
import type { HarSink } from './recording.js'

/** A stream. */
export class HarStream implements HarSink {
  readonly #stream: Writable
  /** Resolves with the error of the stream. */
  readonly #failed: Promise<Error>
  #tail: string

  constructor(stream: Writable, head: string, tail: string) {
    this.#stream = stream
    this.#tail = tail
    this.#failed = new Promise((resolve) => {
      stream.on('error', resolve)
      stream.once('close', () => resolve(new Error('the stream was closed')))
    })
    stream.write(head)
  }

  append(entries: string, tail: string): Promise<void> {
    this.#tail = tail
    return this.#settled((done) => this.#stream.write(entries, done))
  }

  /** Ends the document, and the stream unless it is an output of the process. */
  end(): Promise<void> {
    const isOutput = this.#stream === process.stdout || this.#stream === process.stderr
    return this.#settled((done) => {
      if (isOutput) this.#stream.write(this.#tail, done)
      else this.#stream.end(this.#tail, done)
    })
  }

  async #settled(begin: (done: (error?: Error | null) => void) => void): Promise<void> {
    const done = new Promise<Error | null | undefined>((resolve) => begin(resolve))
    const error = await Promise.race([done, this.#failed])
    if (error instanceof Error) throw error
  }
}
