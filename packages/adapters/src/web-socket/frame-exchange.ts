/**
 * Messages over a stream: frames in both directions, Pings and the closing handshake (RFC 6455 §5 to §7). The library reads and writes the
 * frames; when to read, to answer and to close is decided here.
 */

import type { Duplex } from 'node:stream'
import { ResponseError, TimeoutError, UsageError } from '@unshard/core'
import type { CloseOutcome } from './close-outcome.js'
import { frameError } from './frame-error.js'
import { type Extensions, PerMessageDeflate, Receiver, Sender } from './frame-library.js'
import type { Handshake } from './handshake.js'
import type { FrameLimits } from './options.js'

/** Callbacks of an exchange. */
export interface FrameEvents {
  /** A message has arrived: valid UTF-8 unless it is binary. The bytes may be a view of a larger buffer. */
  message(data: Buffer, isBinary: boolean): void
  /** A Close frame is sent or received, or the stream ends: no message follows. */
  closing(): void
  /** The stream has ended. Called once, after `closing`. */
  closed(outcome: CloseOutcome): void
}

/** Messages from this size on are compressed: smaller ones cost more time than bytes. */
const MIN_COMPRESSED_BYTES = 1_024
/** Maximum fragments of one message, and maximum parts of the stream that wait for a frame to be complete. */
const MAX_FRAGMENTS = 16_384
const MAX_PARTS = 262_144
/** Maximum Pongs that wait; beyond them only the last Ping is answered. */
const MAX_PONGS = 16
/** Parts of the stream that are joined while a frame is incomplete: the library looks at each of them again. */
const JOINED_PARTS = 1_024
/** Time for the peer to end the stream after a failure, in milliseconds: data that is lost on the way would hide the Close frame. */
const LINGER_MS = 1_000

/** Both directions of an open WebSocket. */
export class FrameExchange {
  readonly #duplex: Duplex
  readonly #hasDropped: () => boolean
  readonly #deflate: PerMessageDeflate | undefined
  readonly #receiver: Receiver
  readonly #sender: Sender
  readonly #limits: FrameLimits
  readonly #events: FrameEvents
  /** The Close frame of the server. */
  #received: { readonly code: number; readonly reason: string } | undefined
  #sentClose = false
  #flushedClose = false
  /** Whether the peer has ended the stream, and not only the connection. */
  #sawEnd = false
  #isClosing = false
  #error: Error | undefined
  #isPaused = false
  /** Whether no further frame is read. */
  #isEnded = false
  #closeTimer: NodeJS.Timeout | undefined
  #pings: NodeJS.Timeout | undefined
  #silentPings = 0
  /** Whether a Ping waits behind messages, and how many Pongs do. */
  #isPingUntaken = false
  #untakenPongs = 0
  /** Content of the last Ping, while as many Pongs wait as may. */
  #owedPong: Buffer | undefined
  /** Parts since the last message or join. */
  #unjoinedParts = 0
  /** Messages that wait for the content of a Blob, and the end of the last one. */
  #waitingMessages = 0
  #lastMessage = Promise.resolve()

  constructor({ duplex, deflate, hasDropped }: Handshake, limits: FrameLimits, events: FrameEvents) {
    this.#duplex = duplex
    this.#hasDropped = hasDropped
    this.#deflate = deflate
    this.#limits = limits
    this.#events = events
    const extensions: Extensions = deflate === undefined ? {} : { [PerMessageDeflate.extensionName]: deflate }
    const { maxMessageBytes: maxPayload } = limits
    this.#receiver = new Receiver({ extensions, maxPayload, maxFragments: MAX_FRAGMENTS, maxBufferedChunks: MAX_PARTS })
    this.#sender = new Sender(duplex, extensions)
    this.#sender.onerror = (error) => this.#fail(error)
  }

  /** Starts to read. Messages that have arrived are reported later than this call. */
  start(): void {
    const { pingIntervalMs } = this.#limits
    if (pingIntervalMs > 0) this.#pings = setInterval(() => this.#ping(), pingIntervalMs).unref()
    this.#receiver
      .on('message', (data: Buffer, isBinary: boolean) => {
        this.#unjoinedParts = 0
        if (!this.#isClosing) this.#events.message(data, isBinary)
      })
      .on('ping', (data: Buffer) => this.#pong(data))
      .on('conclude', (code: number, reason: Buffer) => this.#conclude(code, String(reason)))
      .on('drain', () => this.#read())
      .on('error', (error) => this.#fail(frameError(error)))
      .on('finish', () => {
        // The peer has ended the stream without a Close frame.
        if (this.#received === undefined) this.#duplex.destroy()
      })
    this.#duplex
      .on('data', this.#onData)
      .on('end', () => {
        this.#sawEnd = true
        this.#receiver.end()
      })
      .on('error', (error) => {
        this.#error ??= error
      })
      .on('close', () => this.#streamClosed())
  }

  /** Sends a message; `taken` is called when the connection has taken it, or never will. Ignored once the close has begun. */
  send(data: string | Uint8Array | Blob, isBinary: boolean, byteLength: number, taken: (error?: Error | null) => void): void {
    if (this.#isClosing) return taken()
    const isBlob = data instanceof Blob
    // The message has the bytes of now: those that are compressed or sent later are copied.
    const isLater = this.#deflate !== undefined || this.#waitingMessages > 0
    const content = isLater && data instanceof Uint8Array ? new Uint8Array(data) : data
    const sendNow = (ready: string | Uint8Array): void => {
      const compress = this.#deflate !== undefined && byteLength >= MIN_COMPRESSED_BYTES
      this.#sender.send(ready, { binary: isBinary, compress, fin: true, mask: true }, taken)
    }
    if (!isBlob && this.#waitingMessages === 0) return sendNow(content as string | Uint8Array)
    this.#waitingMessages++
    this.#lastMessage = this.#lastMessage.then(async () => {
      try {
        // A message before it could not be sent.
        if (this.#error !== undefined) return taken(this.#error)
        sendNow(isBlob ? new Uint8Array(await data.arrayBuffer()) : (content as string | Uint8Array))
      } catch (cause) {
        taken(cause as Error)
        this.#fail(new UsageError('ERR_INVALID_BODY', 'a Blob cannot be read', { cause }))
      } finally {
        this.#waitingMessages--
      }
    })
  }

  /** Stops reading: the peer is held back. */
  pause(): void {
    this.#isPaused = true
    this.#duplex.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#read()
  }

  /** Starts the closing handshake. */
  close(code: number | undefined, reason: Buffer): void {
    if (this.#sentClose) return
    this.#sendClose(code, reason)
    this.#begin(this.#limits.closeTimeoutMs)
    // The Close frame of the peer may be behind messages.
    this.resume()
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#silentPings = 0
    if (++this.#unjoinedParts === JOINED_PARTS) this.#join()
    // Bytes after a Close frame are read and dropped.
    if (!this.#receiver.write(chunk) && !this.#isEnded) this.#duplex.pause()
  }

  /** Drops what the peer still sends, so that its end arrives. */
  #endReading(): void {
    this.#isEnded = true
    this.#duplex.removeListener('data', this.#onData).resume()
  }

  #join(): void {
    this.#unjoinedParts = 0
    const parts = this.#receiver._buffers
    if (parts.length > 1) parts.push(Buffer.concat(parts.splice(-JOINED_PARTS)))
  }

  #read(): void {
    if (!this.#isEnded && !this.#isPaused && !this.#receiver.writableNeedDrain) this.#duplex.resume()
  }

  /** Notes that the close has begun, and limits its time. */
  #begin(ms: number): void {
    this.#closeTimer ??= setTimeout(() => {
      this.#error ??= cutOff(`the server did not finish the closing handshake within ${ms} ms`)
      this.#duplex.destroy()
    }, ms)
    if (this.#isClosing) return
    this.#isClosing = true
    this.#events.closing()
  }

  /** The peer has sent a Close frame: "an endpoint … MUST send a Close frame in response" (§5.5.1). */
  #conclude(code: number, reason: string): void {
    this.#received = { code, reason }
    if (!this.#sentClose) this.#sendClose(code === 1_005 ? undefined : code, Buffer.alloc(0))
    else if (this.#flushedClose) this.#duplex.end()
    this.#begin(this.#limits.closeTimeoutMs)
    this.#endReading()
  }

  #sendClose(code: number | undefined, reason: Buffer): void {
    this.#sentClose = true
    // A reason needs a code.
    const sent = code ?? (reason.length > 0 ? 1_000 : undefined)
    const send = (): void =>
      this.#sender.close(sent, sent === undefined ? undefined : reason, true, (error) => {
        if (error || this.#duplex.destroyed || this.#hasDropped()) return
        this.#flushedClose = true
        if (this.#received !== undefined || this.#error !== undefined) this.#duplex.end()
      })
    if (this.#waitingMessages === 0) send()
    else void this.#lastMessage.then(send)
  }

  /** Fails the WebSocket (§7.1.7): a Close frame with the code of the error, then the end, whatever the peer does. */
  #fail(error: Error & { readonly closeCode?: number }): void {
    this.#error ??= error
    this.#endReading()
    if (this.#sentClose) this.#duplex.end()
    else this.#sendClose(error.closeCode ?? 1_011, Buffer.alloc(0))
    this.#begin(Math.min(LINGER_MS, this.#limits.closeTimeoutMs))
  }

  /** The stream is closed; messages that are being decompressed come first. */
  #streamClosed(): void {
    clearInterval(this.#pings)
    const receiver = this.#receiver
    const settle = (): void => this.#settle()
    if (receiver.writableFinished || receiver.destroyed) return settle()
    receiver.once('finish', settle).once('error', settle)
    receiver.end()
  }

  #settle(): void {
    clearTimeout(this.#closeTimer)
    this.#deflate?.cleanup()
    const { code, reason } = this.#received ?? { code: 1_006, reason: '' }
    const wasClean = this.#received !== undefined && (this.#flushedClose || this.#sawEnd)
    if (!this.#isClosing) this.#events.closing()
    this.#isClosing = true
    const error = wasClean ? undefined : (this.#error ?? cutOff('the server ended the WebSocket without a Close frame'))
    this.#events.closed({ code, reason, wasClean, error })
  }

  #ping(): void {
    if (this.#isClosing) return
    // While nothing is read, no answer is seen.
    if (this.#isPaused || this.#receiver.writableNeedDrain) this.#silentPings = 0
    if (this.#silentPings === 2) {
      this.#error = new TimeoutError('ping', 2 * this.#limits.pingIntervalMs, { processed: 'unknown' })
      return void this.#duplex.destroy()
    }
    if (this.#isPingUntaken) return
    this.#isPingUntaken = true
    this.#sender.ping(Buffer.alloc(0), true, () => {
      this.#isPingUntaken = false
      this.#silentPings++
    })
  }

  /** "… MAY elect to send a Pong frame for only the most recently processed Ping" (§5.5.3): Pongs do not pile up. */
  #pong(data: Buffer): void {
    if (this.#sentClose) return
    const content = Buffer.from(data)
    if (this.#untakenPongs === MAX_PONGS) {
      this.#owedPong = content
      return
    }
    this.#untakenPongs++
    this.#sender.pong(content, true, () => {
      this.#untakenPongs--
      const owed = this.#owedPong
      this.#owedPong = undefined
      if (owed !== undefined) this.#pong(owed)
    })
  }
}

function cutOff(message: string): ResponseError {
  return new ResponseError('ERR_WEBSOCKET_CUT_OFF', message)
}
