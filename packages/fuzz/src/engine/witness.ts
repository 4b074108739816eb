/** A distrustful listener: checks every call against the contract of the interface. */

import type { ProtocolListener } from '../../../core/src/h2/protocol/connection-state.js'
import type { FieldSection } from '../../../core/src/h2/protocol/field-section.js'
import type { Stream, StreamEnd } from '../../../core/src/h2/protocol/stream.js'
import { must } from '../target.js'
import type { Request, RequestWitness } from './request.js'

/** Listener calls, by the names used for acts inside a call. */
export const LISTENER_CALLS = [
  'capacity',
  'informational',
  'response',
  'data',
  'end',
  'error',
  'sendable',
  'closed',
  'goaway',
  'pong',
  'origin',
  'altsvc',
] as const
export type ListenerCall = (typeof LISTENER_CALLS)[number]

export class Witness implements ProtocolListener, RequestWitness {
  /** Number of calls so far. */
  calls = 0
  opened = 0
  closed = 0
  /** Set while no call is allowed, to the reason. */
  silence: string | undefined
  /** Whether a stream that is being ended may still get its remaining calls. */
  ending = false
  /** Called inside every listener call, after the checks. */
  during: ((call: ListenerCall) => void) | undefined
  /** Gets every call as a line. */
  readonly #trace: ((line: string) => void) | undefined

  constructor(trace: ((line: string) => void) | undefined) {
    this.#trace = trace
  }

  /** Number of streams that occupy a slot. */
  get open(): number {
    return this.opened - this.closed
  }

  onCapacity(): void {
    this.#record('capacity', undefined, '')
  }

  onInformational(stream: Stream<Request>, section: FieldSection): void {
    must(section.status >= 100 && section.status < 200, 'onInformational with a status that is not 1xx')
    must(stream.owner.responses === 0, 'onInformational after onResponse')
    this.#receiving('informational', stream)
    this.#record('informational', stream, `${section.status} ${section.fields.join(' ')}`)
  }

  onResponse(stream: Stream<Request>, section: FieldSection): void {
    must(section.status >= 200 && section.status <= 999, 'onResponse with a status that is not final')
    must(stream.owner.responses++ === 0, 'onResponse twice')
    must(section.malformed === undefined, 'onResponse with a malformed section')
    this.#receiving('response', stream)
    this.#record('response', stream, `${section.status} ${section.fields.join(' ')}`)
  }

  onData(stream: Stream<Request>, bytes: Buffer, start: number, end: number): void {
    must(stream.owner.responses === 1, 'onData before onResponse')
    must(end > start && end <= bytes.length, 'onData without content')
    must(stream.owner.head.method !== 'HEAD', 'onData for HEAD')
    stream.owner.unread += end - start
    this.#receiving('data', stream)
    this.#record('data', stream, this.#trace === undefined ? '' : bytes.toString('latin1', start, end))
  }

  onEnd(stream: Stream<Request>, trailers: readonly string[] | undefined): void {
    must(stream.owner.responses === 1, 'onEnd before onResponse')
    this.#receiving('end', stream)
    stream.owner.ended = true
    this.#record('end', stream, trailers === undefined ? '' : `trailers ${trailers.join(' ')}`)
  }

  onStreamError(stream: Stream<Request>, end: StreamEnd): void {
    this.#receiving('error', stream)
    must(!stream.owner.stopped, 'onStreamError after onSendable')
    must(!(end.unprocessed && stream.owner.responses > 0), 'unprocessed, although there was a response')
    stream.owner.failed = true
    this.#record('error', stream, `${end.errorCode} ${end.initiator}${end.unprocessed ? ' unprocessed' : ''}`)
  }

  onSendable(stream: Stream<Request>, stopped: boolean): void {
    const { owner } = stream
    must(!owner.closed, 'onSendable after onClosed')
    must(!owner.stopped, 'onSendable after the listener returned stopped')
    must(stopped || owner.waiting, 'onSendable for a stream that is not waiting')
    owner.waiting = false
    owner.stopped = stopped
    this.#record('sendable', stream, stopped ? 'stopped' : '')
  }

  onClosed(stream: Stream<Request>): void {
    must(!stream.owner.closed, 'onClosed twice')
    stream.owner.closed = true
    this.closed++
    this.#record('closed', stream, '')
  }

  onStreamClosed(): void {}

  onGoaway(lastStreamId: number, errorCode: number, debug: string): void {
    this.#record('goaway', undefined, `${lastStreamId} ${errorCode} ${debug}`)
  }

  onPong(opaque: Buffer): void {
    must(opaque.length === 8, 'onPong without eight bytes')
    this.#record('pong', undefined, this.#trace === undefined ? '' : opaque.toString('hex'))
  }

  onOrigin(origins: readonly string[]): void {
    this.#record('origin', undefined, origins.join(' '))
  }

  onAltSvc(streamId: number, origin: string, value: string): void {
    this.#record('altsvc', undefined, `${streamId} ${origin} ${value}`)
  }

  #receiving(call: ListenerCall, stream: Stream<Request>): void {
    const { owner } = stream
    must(!owner.closed, `${call} after onClosed`)
    must(!owner.ended, `${call} after onEnd`)
    must(!owner.failed, `${call} after onStreamError`)
  }

  #record(call: ListenerCall, stream: Stream<Request> | undefined, what: string): void {
    this.calls++
    this.#trace?.(`${call}${stream === undefined ? '' : ` ${stream.id}`}${what === '' ? '' : ` ${what}`}`)
    const rest = this.ending && (call === 'closed' || call === 'sendable')
    must(this.silence === undefined || rest, `${this.silence}: ${call}`)
    this.during?.(call)
  }
}
