/** Handlers of both generations that record their calls in the same words for both protocols. */

import type { ControllerHandler, DispatchController, RawHandler } from '../../src/undici/index.js'

export type Record = readonly (string | number)[]

/**
 * Actions of a recorder at its events, in addition to recording. Called with a function that
 * aborts.
 */
export interface Behaviour {
  onStart?(abort: (reason?: unknown) => void): void
  onHeaders?(abort: (reason?: unknown) => void): void
  onData?(abort: (reason?: unknown) => void): void
  onEnd?(): void
  /** Pauses at each event and resumes a turn later. */
  pauses?: boolean
}

export interface Recording<H> {
  readonly handler: H
  /** Resolves with all records after the last one. */
  readonly done: Promise<Record[]>
}

/** Fields that depend on the protocol or the time. */
const IGNORED = new Set(['date', 'connection', 'keep-alive', 'transfer-encoding', 'trailer'])

class Notes {
  readonly list: Record[] = []
  readonly done: Promise<Record[]>
  #finish!: (list: Record[]) => void
  #data: Buffer[] = []

  constructor() {
    this.done = new Promise((resolve) => {
      this.#finish = resolve
    })
  }

  add(...record: Record): void {
    this.#flush()
    this.list.push(record)
  }

  /** Chunk boundaries depend on the network. */
  data(chunk: Buffer): void {
    expect(Buffer.isBuffer(chunk)).toBe(true)
    this.#data.push(chunk)
  }

  headers(name: string, status: number, raw: Buffer[]): void {
    expect(raw.every((part) => Buffer.isBuffer(part))).toBe(true)
    this.add(name, status, pairsOf(raw))
  }

  /**
   * Records the end. A call after the end would be noticed, because the event loop turns once
   * before the result is read.
   */
  end(...record: Record): void {
    this.add(...record)
    setImmediate(() => setImmediate(() => this.#finish(this.list)))
  }

  #flush(): void {
    if (this.#data.length > 0) this.list.push(['data', Buffer.concat(this.#data.splice(0)).toString('latin1')])
  }
}

function pairsOf(raw: Buffer[]): string {
  const pairs: string[] = []
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toString('latin1').toLowerCase()
    if (!IGNORED.has(name)) pairs.push(`${name}: ${raw[i + 1]!.toString('latin1')}`)
  }
  return pairs.sort().join('\n')
}

function fieldsOf(fields: object): string {
  const pairs = Object.entries(fields).flatMap(([name, value]) => [value].flat().map((line) => `${name}: ${line}`))
  return pairs
    .filter((pair) => !IGNORED.has(pair.split(':')[0]!))
    .sort()
    .join('\n')
}

function errorOf(error: Error & { code?: string }): string {
  return error.code ?? `${error.name}: ${error.message}`
}

/** The generation of undici 6. */
export function rawRecorder(behaviour: Behaviour = {}): Recording<RawHandler> {
  const notes = new Notes()
  let abort: (reason?: unknown) => void
  let resume = (): void => undefined
  const goOn = (): boolean => {
    if (behaviour.pauses === true) setImmediate(() => resume())
    return behaviour.pauses !== true
  }
  const handler: RawHandler = {
    onConnect(given) {
      abort = given
      notes.add('start')
      behaviour.onStart?.(abort)
    },
    onBodySent: (chunk) => notes.add('body sent', Buffer.from(chunk).toString()),
    onRequestSent: () => notes.add('request sent'),
    onResponseStarted: () => notes.add('response started'),
    onHeaders(status, raw, given) {
      resume = given
      notes.headers('headers', status, raw)
      if (status >= 200) behaviour.onHeaders?.(abort)
      return status < 200 || goOn()
    },
    onData(chunk) {
      notes.data(chunk)
      behaviour.onData?.(abort)
      return goOn()
    },
    onComplete(raw) {
      if (behaviour.onEnd !== undefined) {
        notes.add('end', pairsOf(raw ?? []))
        return behaviour.onEnd()
      }
      notes.end('end', pairsOf(raw ?? []))
    },
    onError: (error) => notes.end('error', errorOf(error)),
  }
  return { handler, done: notes.done }
}

/** The generation of undici 7 and 8. */
export function controllerRecorder(behaviour: Behaviour = {}): Recording<ControllerHandler> {
  const notes = new Notes()
  const goOn = (controller: DispatchController): void => {
    if (behaviour.pauses !== true) return
    controller.pause()
    expect(controller.paused).toBe(true)
    setImmediate(() => controller.resume())
  }
  const handler: ControllerHandler = {
    onRequestStart(controller) {
      expect(controller.aborted).toBe(false)
      notes.add('start')
      behaviour.onStart?.((reason) => controller.abort(reason))
    },
    onResponseStarted: () => notes.add('response started'),
    onResponseStart(controller, status, fields) {
      notes.headers('headers', status, controller.rawHeaders!)
      notes.add('fields', fieldsOf(fields))
      if (status >= 200) behaviour.onHeaders?.((reason) => controller.abort(reason))
      if (status >= 200) goOn(controller)
    },
    onResponseData(controller, chunk) {
      notes.data(chunk)
      behaviour.onData?.((reason) => controller.abort(reason))
      goOn(controller)
    },
    onResponseEnd(_controller, trailers) {
      if (behaviour.onEnd !== undefined) {
        notes.add('end', fieldsOf(trailers))
        return behaviour.onEnd()
      }
      notes.end('end', fieldsOf(trailers))
    },
    onResponseError(controller, error) {
      notes.end('error', errorOf(error), `aborted ${controller?.aborted ?? false}`)
    },
  }
  return { handler, done: notes.done }
}
