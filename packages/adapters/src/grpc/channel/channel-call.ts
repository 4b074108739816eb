/** A call of `@grpc/grpc-js` as a request of this client. */

import { Fields, type RequestBody, type RequestOptions } from '@unshard/core'
import { ContentHandoff } from '../../streams/content-handoff.js'
import { compress } from '../compression.js'
import { Exchange } from '../exchange.js'
import { asBuffer, frameOf } from '../frames.js'
import { requestFields } from '../request-fields.js'
import { type Outcome, outcomeOf, Status } from '../status.js'
import { CallCredentialsList } from './call-credentials.js'
import type { ChannelSettings } from './channel-settings.js'
import type { ConnectivityWatch } from './connectivity.js'
import { fieldsOf, metadataOf } from './metadata.js'
import type {
  GrpcAuthContext,
  GrpcCall,
  GrpcCallCredentials,
  GrpcListener,
  GrpcMessageContext,
  GrpcMetadata,
  GrpcMetadataClass,
} from './types.js'

/** `WriteFlags.NoCompress` of `@grpc/grpc-js`. */
const NO_COMPRESS = 2
/** Longest delay of a timer, in milliseconds. */
const MOST_DELAY = 0x7fff_ffff

interface Outgoing {
  readonly context: GrpcMessageContext
  readonly message: Uint8Array
}

let lastCallNumber = 0

/** One call. The request is made once it is known whether its content is one message. */
export class ChannelCall implements GrpcCall {
  readonly #settings: ChannelSettings
  readonly #connectivity: ConnectivityWatch
  readonly #path: string
  readonly #deadlineMs: number
  readonly #number = ++lastCallNumber
  readonly #credentials: CallCredentialsList
  #metadata: GrpcMetadata | undefined
  #listener: GrpcListener | undefined
  #timer: NodeJS.Timeout | undefined
  /** Messages that wait for the request, or for their turn in its content. */
  readonly #outgoing: Outgoing[] = []
  #isClosed = false
  /** Called when the call is over. */
  onOver: (() => void) | undefined
  #content: ContentHandoff | undefined
  #isWriting = false
  /** The request has taken all of its content. */
  #isSent = false
  #exchange: Exchange | undefined
  #reads = 0
  #outcome: Outcome | undefined
  /** Ends the wait for a connection. */
  #stopWaiting: (() => void) | undefined

  constructor(settings: ChannelSettings, connectivity: ConnectivityWatch, path: string, deadlineMs: number) {
    this.#settings = settings
    this.#connectivity = connectivity
    this.#path = path
    this.#deadlineMs = deadlineMs
    this.#credentials = new CallCredentialsList(settings)
  }

  start(metadata: GrpcMetadata, listener: GrpcListener): void {
    this.#metadata = metadata.clone()
    this.#listener = listener
    const leftMs = this.#deadlineMs - Date.now()
    if (leftMs <= 0) return this.#end(outcomeOf(Status.DEADLINE_EXCEEDED, 'the deadline has passed before the call'))
    if (leftMs <= MOST_DELAY) this.#timer = setTimeout(() => this.#expire(), leftMs)
    // Unary calls pass their message and close in this turn.
    queueMicrotask(() => this.#authorize())
  }

  sendMessageWithContext(context: GrpcMessageContext, message: Buffer): void {
    const { mostSentBytes } = this.#settings
    if (message.length > mostSentBytes) {
      const details = `a message of ${message.length} bytes is larger than the maximum of ${mostSentBytes} bytes`
      return this.cancelWithStatus(Status.RESOURCE_EXHAUSTED, details)
    }
    this.#outgoing.push({ context, message })
    if (this.#content !== undefined) this.#write()
  }

  halfClose(): void {
    this.#isClosed = true
    if (this.#content !== undefined) this.#write()
  }

  startRead(): void {
    if (this.#exchange === undefined) this.#reads++
    else this.#exchange.read()
  }

  cancelWithStatus(code: number, details: string): void {
    const outcome = outcomeOf(code, details)
    if (this.#exchange === undefined) this.#end(outcome)
    else this.#exchange.cancel(outcome)
  }

  getPeer(): string {
    const connection = this.#exchange?.response?.connection
    const { remoteAddress, remotePort } = connection ?? {}
    if (remoteAddress === undefined) return this.#settings.target
    return `${remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress}:${remotePort}`
  }

  getCallNumber(): number {
    return this.#number
  }

  setCredentials(credentials: GrpcCallCredentials): void {
    this.#credentials.add(credentials)
  }

  getAuthContext(): GrpcAuthContext | null {
    if (this.#exchange?.response === undefined) return null
    return this.#settings.isSecure ? { transportSecurityType: 'ssl' } : {}
  }

  /** Waits for the metadata of credentials, if there are any, and sends the request. */
  #authorize(): void {
    if (this.#outcome !== undefined) return
    const pending = this.#credentials.metadataFor(this.#path)
    if (pending === undefined) return this.#whenReady()
    pending.then(
      (metadata) => {
        this.#metadata!.merge(metadata)
        this.#whenReady()
      },
      (error: Error & { code?: unknown }) => {
        const code = typeof error?.code === 'number' ? error.code : Status.UNAUTHENTICATED
        this.#end(outcomeOf(code, `the credentials of the call failed: ${error?.message ?? String(error)}`, error))
      },
    )
  }

  /** With `waitForReady` the call waits for a connection, else a failed connection is its outcome. */
  #whenReady(): void {
    if (this.#outcome !== undefined) return
    if (this.#metadata!.getOptions().waitForReady !== true) return this.#prepare()
    this.#stopWaiting = this.#connectivity.whenReady(
      () => this.#prepare(),
      () => this.#end(outcomeOf(Status.UNAVAILABLE, 'the channel was closed')),
    )
  }

  /** Makes the content: one message in memory, which can be sent again, or a stream of messages. */
  #prepare(): void {
    if (this.#outcome !== undefined) return
    const [only, ...others] = this.#outgoing
    if (this.#isClosed && others.length === 0) {
      if (only === undefined) return this.#send(new Uint8Array(0))
      this.#outgoing.length = 0
      const framed = this.#frame(only)
      if (!(framed instanceof Promise)) return this.#send(framed, only)
      framed.then(
        (bytes) => this.#send(bytes, only),
        (error: unknown) => this.#end(outcomeOf(Status.INTERNAL, 'a message cannot be compressed', error)),
      )
      return
    }
    this.#content = new ContentHandoff()
    this.#send(this.#content)
    this.#write()
  }

  #frame({ context, message }: Outgoing): Uint8Array | Promise<Uint8Array> {
    const { encoding } = this.#settings
    if (encoding === undefined || ((context.flags ?? 0) & NO_COMPRESS) !== 0) return frameOf(message, false)
    return compress(message, encoding).then((compressed) => frameOf(compressed, true))
  }

  #send(body: RequestBody, sent?: Outgoing): void {
    if (this.#outcome !== undefined) return
    const { client, baseUrl, isolation, encoding, userAgent, authority, mostReceivedBytes } = this.#settings
    const timeoutMs = this.#deadlineMs === Number.POSITIVE_INFINITY ? undefined : this.#deadlineMs - Date.now()
    const metadata = fieldsOf(this.#metadata!)
    const headers = requestFields({ contentType: 'application/grpc', userAgent, timeoutMs, encoding, metadata })
    if (authority !== undefined) headers.push('host', authority)
    // All members in one literal, present or not, so that every request has the same shape.
    const url = baseUrl + this.#path
    const options = { method: 'POST', url, headers: new Fields(headers), body, http2Only: true, isolation, signal: undefined }
    this.#exchange = new Exchange(client, options as RequestOptions, mostReceivedBytes, {
      onHeaders: (fields) => this.#tell(() => this.#listener!.onReceiveMetadata(metadataOf(this.#class, fields))),
      onMessage: (message) => this.#tell(() => this.#listener!.onReceiveMessage(asBuffer(message))),
      onOutcome: (outcome) => this.#end(outcome),
    })
    for (; this.#reads > 0; this.#reads--) this.#exchange.read()
    if (sent?.context.callback !== undefined) process.nextTick(sent.context.callback)
  }

  /** Passes the next message to the request. One at a time: the next one waits until it is taken. */
  #write(): void {
    const content = this.#content!
    if (this.#isWriting || this.#outcome !== undefined) return
    const next = this.#outgoing.shift()
    if (next === undefined) {
      if (this.#isClosed)
        content.end(() => {
          this.#isSent = true
        })
      return
    }
    this.#isWriting = true
    const done = (): void => {
      this.#isWriting = false
      if (next.context.callback !== undefined) process.nextTick(next.context.callback)
      this.#write()
    }
    const framed = this.#frame(next)
    if (framed instanceof Promise) {
      framed.then(
        (bytes) => content.write(bytes, done),
        () => this.cancelWithStatus(Status.INTERNAL, 'a message cannot be compressed'),
      )
    } else content.write(framed, done)
  }

  #expire(): void {
    this.cancelWithStatus(Status.DEADLINE_EXCEEDED, 'the deadline of the call has passed')
  }

  #end(outcome: Outcome): void {
    if (this.#outcome !== undefined) return
    this.#outcome = outcome
    clearTimeout(this.#timer)
    this.onOver?.()
    this.#stopWaiting?.()
    if (this.#content !== undefined) {
      if (!this.#isSent) this.#exchange?.stopSending()
      this.#content.abandon()
    }
    const { code, details, trailers } = outcome
    // As in grpc-js: an error that a listener throws must not end up in this client.
    process.nextTick(() => this.#listener?.onReceiveStatus({ code, details, metadata: metadataOf(this.#class, trailers) }))
  }

  /** Calls a listener. Its errors are those of the program. */
  #tell(call: () => void): void {
    try {
      call()
    } catch (error) {
      process.nextTick(() => {
        throw error
      })
    }
  }

  /** The class of metadata in the copy of `@grpc/grpc-js` that calls. */
  get #class(): GrpcMetadataClass {
    return this.#metadata!.constructor as unknown as GrpcMetadataClass
  }
}
