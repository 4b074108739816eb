/**
 * The callers of one client: each makes a request as its script says, reads or ignores the body, and
 * writes what it was told into the ledger. Runs inside the simulated process.
 */

import type { Client, HttpResponse, RequestOptions } from '@unshard/core'
import type { Kernel } from '../kernel/kernel.js'
import type { Trace } from '../kernel/trace.js'
import type { Ledger, OutcomeError, RequestRecord } from '../ledger/ledger.js'
import { credentialsFor, matches, piece, whole } from '../ledger/markers.js'
import type { RequestScript } from '../script/script.js'

const SLOW_READER_MS = 200
const UPLOAD_PART_BYTES = 16_000

export class Callers {
  readonly #kernel: Kernel
  readonly #ledger: Ledger
  readonly #trace: Trace

  constructor(kernel: Kernel, ledger: Ledger, trace: Trace) {
    this.#kernel = kernel
    this.#ledger = ledger
    this.#trace = trace
  }

  /** Makes a request. To be called in a turn of the process. */
  start(client: Client, script: RequestScript, probe: boolean): void {
    const record = this.#ledger.start(script, this.#kernel.now, this.#kernel.stalledMs, probe)
    this.#trace.note(`request ${script.id} ${script.method} ${script.origin}`)
    const abort = script.abortAfterMs === undefined ? undefined : new AbortController()
    if (abort !== undefined) this.#later(script.abortAfterMs!, () => abort.abort(new Error('aborted by the caller')))
    // Not awaited: the outcome goes to the ledger.
    void this.#run(client, record, abort?.signal)
  }

  async #run(client: Client, record: RequestRecord, signal: AbortSignal | undefined): Promise<void> {
    let status: number | undefined
    let bytes = 0
    const noteBytes = (count: number): void => {
      bytes += count
    }
    try {
      const response = await client.request(this.#options(record.script, signal))
      status = response.status
      const answered = response.headers.get('x-request')
      if (answered !== null && answered !== String(record.script.id)) {
        this.#ledger.find('foreign-response', `the response is that of request ${answered}`, record.script.id)
      }
      const complete = await this.#read(response, record.script, noteBytes)
      this.#settle(record, status, bytes, complete, undefined)
    } catch (error) {
      this.#settle(record, status, bytes, false, describe(error))
    }
  }

  #options(script: RequestScript, signal: AbortSignal | undefined): RequestOptions {
    const { id, origin, method, keyed, totalMs, headersMs, isolation, retry, upload } = script
    const headers: [string, string][] = [
      ['x-request', String(id)],
      ['authorization', credentialsFor(script)],
    ]
    if (keyed === true) headers.push(['idempotency-key', `key-${id}`])
    const timeouts = {
      ...(totalMs === undefined ? {} : { total: totalMs }),
      ...(headersMs === undefined ? {} : { headers: headersMs }),
    }
    return {
      ...{ method, url: `${origin}/r/${id}`, headers, timeouts },
      ...(isolation === undefined ? {} : { isolation }),
      ...(signal === undefined ? {} : { signal }),
      ...(retry === undefined ? {} : { retry }),
      ...(upload === undefined ? {} : { body: this.#body(script) }),
    }
  }

  #body({ id, upload }: RequestScript): Uint8Array | AsyncIterable<Uint8Array> {
    const { bytes, kind, everyMs = 0 } = upload!
    if (kind === 'buffered') return whole('u', id, bytes)
    const wait = (): Promise<void> => this.#pause(everyMs)
    return (async function* () {
      for (let at = 0; at < bytes; at += UPLOAD_PART_BYTES) {
        if (everyMs > 0) await wait()
        yield Buffer.from(piece('u', id, at, Math.min(UPLOAD_PART_BYTES, bytes - at)))
      }
    })()
  }

  /** Returns whether the body came to its end. */
  async #read(response: HttpResponse, script: RequestScript, noteBytes: (count: number) => void): Promise<boolean> {
    const { reader = 'all', bytes = 0, parts = 1 } = script
    if (reader === 'never') return false
    if (reader === 'all' && bytes * parts <= 65_536 && parts === 1) {
      const content = await response.bytes()
      this.#check(script, 0, content)
      noteBytes(content.length)
      return true
    }
    let at = 0
    for await (const part of response.body) {
      this.#check(script, at, part)
      at += part.length
      noteBytes(part.length)
      if (reader === 'cancels') return false
      if (reader === 'slow') await this.#pause(SLOW_READER_MS)
    }
    return true
  }

  #check({ id }: RequestScript, offset: number, bytes: Uint8Array): void {
    if (!matches('r', id, offset, bytes)) this.#ledger.find('content', `the response has other bytes at ${offset}`, id)
  }

  #settle(
    record: RequestRecord,
    status: number | undefined,
    bytes: number,
    complete: boolean,
    error: OutcomeError | undefined,
  ): void {
    record.settled++
    record.outcome = { at: this.#kernel.now, status, bytes, complete, error }
    record.stalledAtEnd = this.#kernel.stalledMs
    const what =
      error === undefined ? `${status}, ${bytes} bytes` : `${error.name} ${error.code} ${error.processed ?? ''}: ${error.message}`
    this.#trace.note(`request ${record.script.id} ended: ${what.replaceAll(/#\d+/g, '#')}`)
  }

  #later(ms: number, callback: () => void): void {
    this.#kernel.startTimer(ms, callback)
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#later(ms, resolve))
  }
}

function describe(error: unknown): OutcomeError {
  const { name, code, message, phase, processed } = error as Record<string, unknown>
  return {
    name: String((error as Error).constructor?.name ?? name),
    code: String(code ?? ''),
    message: String(message),
    phase: phase as string | undefined,
    processed: processed as string | undefined,
  }
}
