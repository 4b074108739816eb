/**
 * An HTTP/2 connection of a modelled server (RFC 9113): bytes in, bytes out, no I/O of its own. Servers
 * differ by their {@link Http2Model}.
 */

import { matches } from '../../ledger/markers.js'
import type { EndListener, ServerEnd } from '../../network/flow.js'
import type { ConnectionOwner } from '../connection-owner.js'
import type { RequestHead } from '../exchange.js'
import { headOf } from '../head.js'
import type { Http2Model } from '../model.js'
import * as frames from './frames.js'
import { type Frame, FrameSplitter } from './frames.js'
import { HpackDecoder } from './hpack.js'
import { Limits } from './limits.js'
import { ServerStream, type StreamHost } from './stream.js'
import { UploadCredit } from './upload-credit.js'

const MAX_CONCURRENT_STREAMS = 3
const INITIAL_WINDOW_SIZE = 4
const DEFAULT_WINDOW = 65_535
/** A server with one thread that is busy. */
const LATE_SETTINGS_MS = 12_000

export class Http2ServerConnection implements EndListener, StreamHost {
  readonly #end: ServerEnd
  readonly #instance: ConnectionOwner
  readonly #model: Http2Model
  readonly #splitter = new FrameSplitter()
  readonly #decoder = new HpackDecoder()
  readonly #limits: Limits
  readonly #credit: UploadCredit
  readonly #streams = new Map<number, ServerStream>()
  sendWindow: number = DEFAULT_WINDOW
  #largestWindow = DEFAULT_WINDOW
  readonly maxFrameBytes = 16_384
  #peerStreamWindow = DEFAULT_WINDOW
  /** Whether frames wait for the first SETTINGS, which come late. */
  #isSilent: boolean
  readonly #unsent: Uint8Array[] = []
  #prefaceLeft = frames.PREFACE.length
  #lastStream = 0
  /** Highest stream that is taken after GOAWAY. */
  #limit = frames.MAX_STREAM_ID
  #draining = false
  #requests = 0
  #idleSince: number
  #block: { readonly stream: number; readonly flags: number; readonly parts: Buffer[] } | undefined

  constructor(end: ServerEnd, instance: ConnectionOwner, model: Http2Model) {
    this.#end = end
    this.#instance = instance
    this.#model = model
    this.#idleSince = instance.kernel.now
    this.#limits = new Limits(model, instance.kernel)
    this.#credit = new UploadCredit(model, instance.script.readBytes, (frame) => this.send(frame))
    this.#isSilent = instance.script.ill === 'late-settings'
    end.listener = this
    this.#start()
  }

  get writable(): boolean {
    return !this.#end.full && !this.#end.gone
  }

  send(frame: Uint8Array): void {
    if (this.#isSilent) this.#unsent.push(frame)
    else this.#end.write(frame)
  }

  noteAnswer(isData: boolean): void {
    this.#limits.answered(isData)
  }

  onBytes(bytes: Uint8Array): void {
    let rest = bytes
    if (this.#prefaceLeft > 0) {
      const taken = Math.min(this.#prefaceLeft, bytes.length)
      this.#prefaceLeft -= taken
      rest = bytes.subarray(taken)
    }
    for (const frame of this.#splitter.push(rest)) {
      if (this.#end.gone) return
      this.#receive(frame)
    }
  }

  onEnd(): void {
    this.#close()
  }

  onError(): void {
    this.#forget()
  }

  onDrain(): void {
    this.#pumpAll()
  }

  /** Ends gracefully, in the way of the model. */
  shutdown(): void {
    if (this.#draining || this.#end.gone) return
    this.#draining = true
    const { kernel, machine } = this.#instance
    const { shutdown, noticeMs = 1_000, drainMs } = this.#model
    if (shutdown === 'bare') return this.#close()
    if (shutdown === 'notice' && this.#streams.size === 0) return this.#closeIfDone()
    if (shutdown === 'last' || shutdown === 'open') this.#limit = this.#lastStream
    this.#goaway(this.#limit, frames.NO_ERROR, '')
    if (shutdown === 'twice') {
      kernel.after(noticeMs, () => machine.run(() => this.#secondGoaway()))
      return
    }
    if (drainMs !== undefined) kernel.after(drainMs, () => machine.run(() => this.#close()))
    this.#closeIfDone()
  }

  /** The process is gone: its kernel closes the socket. */
  kill(): void {
    this.#forget()
    this.#end.close()
  }

  missingCredit(): number {
    return this.#streams.size > 0 ? 0 : 1 - this.sendWindow / this.#largestWindow
  }

  streamDone(stream: ServerStream): void {
    this.#streams.delete(stream.id)
    this.#idleSince = this.#instance.kernel.now
    if (this.#streams.size === 0) this.#idle()
  }

  dies(how: 'reset' | 'goaway' | 'close'): void {
    if (how === 'goaway') this.#goaway(this.#lastStream, frames.INTERNAL_ERROR, 'poison')
    this.#forget()
    if (how === 'reset') this.#end.reset()
    else this.#end.close()
  }

  #start(): void {
    const { kernel, machine, script } = this.#instance
    const { maxAgeMs, ageGraceMs = 0 } = this.#model
    this.#sendSettings()
    if (script.ill === 'late-settings') kernel.after(LATE_SETTINGS_MS, () => machine.run(() => this.#sendUnsent()))
    this.#idle()
    if (maxAgeMs === undefined) return
    kernel.after(maxAgeMs, () => machine.run(() => this.shutdown()))
    kernel.after(maxAgeMs + ageGraceMs + 1_000, () => machine.run(() => this.#close()))
  }

  #sendUnsent(): void {
    this.#isSilent = false
    for (const frame of this.#unsent.splice(0)) this.send(frame)
  }

  #sendSettings(): void {
    const { maxConcurrentStreams, streamWindowBytes, connectionWindowBytes, opensWithData = false } = this.#model
    this.send(
      frames.settingsFrame([
        [MAX_CONCURRENT_STREAMS, maxConcurrentStreams],
        [INITIAL_WINDOW_SIZE, streamWindowBytes],
      ]),
    )
    if (!opensWithData && connectionWindowBytes > DEFAULT_WINDOW) {
      this.send(frames.numberFrame(frames.WINDOW_UPDATE, 0, connectionWindowBytes - DEFAULT_WINDOW))
    }
    const { originSet } = this.#instance.script
    if (originSet !== undefined) this.send(frames.originFrame(originSet))
  }

  #receive(frame: Frame): void {
    switch (frame.type) {
      case frames.DATA:
        return this.#data(frame)
      case frames.HEADERS:
      case frames.CONTINUATION:
        return this.#headers(frame)
      case frames.RST_STREAM:
        return this.#reset(frame)
      case frames.SETTINGS:
        return this.#settings(frame)
      case frames.PING:
        return this.#ping(frame)
      case frames.WINDOW_UPDATE:
        return this.#windowUpdate(frame)
    }
  }

  #headers({ type, stream, flags, payload }: Frame): void {
    if (type === frames.HEADERS) {
      this.#block = { stream, flags, parts: [frames.withoutPadding(flags, payload)] }
    } else this.#block?.parts.push(payload)
    if ((flags & frames.END_HEADERS) === 0 || this.#block === undefined) return
    const { parts, flags: first } = this.#block
    this.#block = undefined
    const fields = this.#decoder.decode(parts.length === 1 ? parts[0]! : Buffer.concat(parts))
    const ends = (first & frames.END_STREAM) !== 0
    if (stream <= this.#lastStream) return this.#trailers(stream, ends)
    this.#lastStream = stream
    this.#open(stream, fields, ends)
  }

  #trailers(id: number, ends: boolean): void {
    const stream = this.#streams.get(id)
    if (stream !== undefined && ends) this.#uploaded(stream)
  }

  #open(id: number, fields: readonly (readonly [string, string])[], ends: boolean): void {
    const instance = this.#instance
    const head = headOf(fields)
    // RFC 9113 §6.8: streams above the last one are ignored.
    if (id > this.#limit) return instance.refuse(head, this.#end)
    if (this.#draining && this.#model.shutdown === 'notice') return this.#refuseAll(id, head)
    if (this.#streams.size >= this.#model.maxConcurrentStreams || instance.refusesNext()) {
      instance.refuse(head, this.#end)
      return this.send(frames.numberFrame(frames.RST_STREAM, id, frames.REFUSED_STREAM))
    }
    this.#limits.opened()
    const stream = new ServerStream(id, head, this, this.#peerStreamWindow)
    this.#streams.set(id, stream)
    stream.uploaded = ends
    this.#requests++
    instance.take(stream, this.#end)
    if (this.#requests === this.#model.maxRequests) this.shutdown()
  }

  #data({ stream: id, flags, payload }: Frame): void {
    const content = frames.withoutPadding(flags & ~frames.PRIORITY, payload)
    const stream = this.#streams.get(id)
    this.#credit.received(stream, payload.length, (flags & frames.END_STREAM) !== 0)
    if (stream === undefined) return
    if (!matches('u', stream.head.id, stream.uploadBytes, content)) {
      this.#instance.ledger.find('content', `the server received other bytes at ${stream.uploadBytes}`, stream.head.id)
    }
    stream.uploadBytes += content.length
    if ((flags & frames.END_STREAM) !== 0) this.#uploaded(stream)
  }

  #uploaded(stream: ServerStream): void {
    stream.uploaded = true
    this.#instance.checkUpload(stream.head.id, stream.uploadBytes)
    stream.onUpload?.()
  }

  #reset({ stream: id }: Frame): void {
    this.#instance.noteFrame(this.#end, 'resets')
    const stream = this.#streams.get(id)
    if (stream !== undefined) {
      stream.over = true
      this.streamDone(stream)
    }
    if (this.#limits.tooManyResets()) this.#complain('too many RST_STREAM')
  }

  #settings({ flags, payload }: Frame): void {
    if ((flags & frames.ACK) !== 0) return
    for (let at = 0; at + 6 <= payload.length; at += 6) {
      if (payload.readUInt16BE(at) !== INITIAL_WINDOW_SIZE) continue
      const size = payload.readUInt32BE(at + 2)
      for (const stream of this.#streams.values()) stream.sendWindow += size - this.#peerStreamWindow
      this.#peerStreamWindow = size
    }
    this.send(frames.frame(frames.SETTINGS, frames.ACK, 0, Buffer.alloc(0)))
    this.#pumpAll()
  }

  #ping({ flags, payload }: Frame): void {
    if ((flags & frames.ACK) !== 0) return
    this.#instance.noteFrame(this.#end, 'pings')
    if (this.#limits.tooManyPings()) return this.#complain('too_many_pings')
    this.send(frames.frame(frames.PING, frames.ACK, 0, Buffer.from(payload)))
  }

  #windowUpdate({ stream: id, payload }: Frame): void {
    if (this.#limits.tooManyWindowUpdates()) return this.#complain('too many WINDOW_UPDATE')
    const increment = payload.readUInt32BE(0)
    if (id !== 0) {
      const stream = this.#streams.get(id)
      if (stream === undefined) return
      stream.sendWindow += increment
      return stream.pump()
    }
    this.sendWindow += increment
    this.#largestWindow = Math.max(this.#largestWindow, this.sendWindow)
    this.#pumpAll()
  }

  #pumpAll(): void {
    for (const stream of [...this.#streams.values()]) stream.pump()
  }

  /** Ends the connection, because the client does what the server does not allow. */
  #complain(why: string): void {
    this.#instance.complain(why, this.#end)
    this.#goaway(this.#lastStream, frames.ENHANCE_YOUR_CALM, why)
    this.#close()
  }

  #goaway(lastStream: number, code: number, debug: string): void {
    this.send(frames.goawayFrame(lastStream, code, debug))
  }

  #secondGoaway(): void {
    if (this.#end.gone) return
    this.#limit = this.#lastStream
    this.#goaway(this.#limit, frames.NO_ERROR, '')
    this.#closeIfDone()
  }

  #closeIfDone(): void {
    const { shutdown } = this.#model
    const mayClose = shutdown !== 'open' && shutdown !== 'max' && (shutdown !== 'twice' || this.#limit !== frames.MAX_STREAM_ID)
    if (!this.#draining || !mayClose || this.#streams.size > 0) return
    if (shutdown === 'notice') this.#goaway(this.#lastStream, frames.NO_ERROR, 'timeout')
    this.#close()
  }

  /** A stream that is opened too late ends the connection, and those that were being answered. */
  #refuseAll(id: number, head: RequestHead): void {
    this.#instance.refuse(head, this.#end)
    this.#goaway(id - 2, frames.INTERNAL_ERROR, 'stream after GOAWAY')
    this.#close()
  }

  /** No stream is open. */
  #idle(): void {
    this.#closeIfDone()
    const { idleMs } = this.#model
    const { kernel, machine } = this.#instance
    if (idleMs === undefined || this.#end.gone) return
    const since = this.#idleSince
    kernel.after(idleMs, () =>
      machine.run(() => {
        if (this.#streams.size === 0 && this.#idleSince === since) this.shutdown()
      }),
    )
  }

  #close(): void {
    this.#forget()
    this.#instance.closeSlowly(this.#end)
  }

  #forget(): void {
    for (const stream of this.#streams.values()) stream.over = true
    this.#streams.clear()
    this.#instance.connections.delete(this)
  }
}
