// An observer that records its calls and checks the rules of `ExchangeObserver`.
import type { Exchange, ExchangeObserver } from '@unshard/core'

type Body = Parameters<ExchangeObserver['onResponse']>[2]

export interface Answer {
  readonly status: number
  readonly fields: readonly string[]
  readonly body: Body
}

export class Recorder implements ExchangeObserver {
  /** In order: `1xx`, `response`, `error`, `closed`. */
  readonly events: string[] = []
  /** Broken rules. Expected to be empty. */
  readonly violations: string[] = []
  readonly informational: (readonly [status: number, fields: readonly string[]])[] = []
  /** Rejects with the error of `onError`. */
  readonly answer: Promise<Answer>
  readonly closed: Promise<void>
  error: Error | undefined
  exchange!: Exchange
  /** `Connection.request` has returned. */
  returned = false
  #resolve!: (answer: Answer) => void
  #reject!: (error: Error) => void
  #close!: () => void

  constructor() {
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.answer.catch(() => undefined)
    this.closed = new Promise((resolve) => {
      this.#close = resolve
    })
  }

  get isClosed(): boolean {
    return this.events.includes('closed')
  }

  onInformational(status: number, fields: readonly string[]): void {
    this.#note('1xx')
    this.informational.push([status, fields])
  }

  onResponse(status: number, fields: readonly string[], body: Body): void {
    if (this.events.includes('error')) this.violations.push('a response after an error')
    if (this.events.includes('response')) this.violations.push('two responses')
    this.#note('response')
    this.#resolve({ status, fields, body })
  }

  onError(error: Error): void {
    if (this.events.includes('response')) this.violations.push('an error after a response')
    if (this.events.includes('error')) this.violations.push('two errors')
    this.#note('error')
    this.error = error
    this.#reject(error)
  }

  onClosed(): void {
    this.#note('closed')
    this.#close()
  }

  #note(event: string): void {
    if (!this.returned) this.violations.push(`${event} before request() returned`)
    if (this.isClosed) this.violations.push(`${event} after closed`)
    this.events.push(event)
  }
}

/** Reads a whole body. */
export async function read(body: Body): Promise<Buffer> {
  return await body.collect((parts) => Buffer.concat(parts))
}

/** Returns the values of a field, in order. */
export function valuesOf(fields: readonly string[], name: string): string[] {
  return fields.filter((_, i) => i % 2 === 1 && fields[i - 1] === name)
}

/**
 * Resolves when `count` has not changed for many event-loop turns: both ends are in this process,
 * so nothing more arrives.
 */
export async function standstill(count: () => number): Promise<number> {
  let last = count()
  for (let quiet = 0; quiet < QUIET_TURNS; quiet++) {
    await new Promise((resolve) => setImmediate(resolve))
    if (count() === last) continue
    last = count()
    quiet = 0
  }
  return last
}

const QUIET_TURNS = 300
