/**
 * The truth about every request: where it arrived, how often it was executed, what the caller was told.
 * Servers and callers write here; the rules read.
 */

import type { RequestScript } from '../script/script.js'

/** A request reached a server. */
export interface Arrival {
  readonly at: number
  readonly address: string
  readonly flow: number
  readonly server: string
  readonly authority: string
  readonly executed: boolean
  /** Names of the server's certificate. */
  readonly certificate: readonly string[]
  /** Whether the connection has TLS. */
  readonly secure: boolean
}

export interface Outcome {
  readonly at: number
  readonly status: number | undefined
  /** Bytes of the body that the caller has read. */
  readonly bytes: number
  /** Whether the body came to its end. */
  readonly complete: boolean
  readonly error: OutcomeError | undefined
}

export interface OutcomeError {
  readonly name: string
  readonly code: string
  readonly message: string
  readonly phase: string | undefined
  readonly processed: string | undefined
}

export interface RequestRecord {
  readonly script: RequestScript
  readonly startedAt: number
  /** `stalledMs` of the process at the start. */
  readonly stalledAtStart: number
  readonly arrivals: Arrival[]
  outcome: Outcome | undefined
  /** `stalledMs` of the process at the end. */
  stalledAtEnd: number
  settled: number
  /** Requests after the last fault, which must succeed. */
  readonly probe: boolean
}

export interface Finding {
  readonly rule: string
  readonly request?: number
  readonly text: string
}

export class Ledger {
  readonly records: Map<number, RequestRecord> = new Map()
  readonly findings: Finding[] = []
  /** Complaints of servers, by text: connections that they ended with an error. */
  readonly complaints: Map<string, number> = new Map()

  start(script: RequestScript, at: number, stalledMs: number, probe: boolean): RequestRecord {
    const record: RequestRecord = {
      script,
      startedAt: at,
      stalledAtStart: stalledMs,
      stalledAtEnd: stalledMs,
      arrivals: [],
      outcome: undefined,
      settled: 0,
      probe,
    }
    this.records.set(script.id, record)
    return record
  }

  find(rule: string, text: string, request?: number): void {
    if (this.findings.length < 50) this.findings.push(request === undefined ? { rule, text } : { rule, text, request })
  }

  complain(text: string): void {
    this.complaints.set(text, (this.complaints.get(text) ?? 0) + 1)
  }
}
