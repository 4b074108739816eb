/**
 * Both ways to call: clients of `@grpc/grpc-js` over `channel()`, and `grpcClient()`. One form for
 * the tests: a call to which messages are sent, and from which messages are taken.
 */

import * as newest from '@grpc/grpc-js'
import * as oldest from '@grpc/grpc-js-1.8'
import type { Client } from 'unshard'
import { type CallMetadata, channel, GrpcError, grpcClient, type MetadataInput } from 'unshard/grpc'

type Method = newest.MethodDefinition<Buffer, Buffer>

/** How a call has ended. */
export interface Ended {
  readonly code: number
  readonly details: string
  initial(name: string): unknown
  trailing(name: string): unknown
}

/** A call. Messages are sent as they are written, and received as they are asked for. */
export interface InteropCall {
  send(message: Buffer): void
  end(): void
  cancel(): void
  /** Resolves with undefined at the end. */
  next(): Promise<Buffer | undefined>
  readonly ended: Promise<Ended>
}

export interface CallSettings {
  readonly timeoutMs?: number
  /** Metadata; values of names that end in `-bin` are bytes. */
  readonly metadata?: Readonly<Record<string, string | Buffer>>
}

/** Begins calls. */
export type Begin = (method: Method, settings?: CallSettings) => InteropCall

export interface Caller {
  readonly name: string
  /** @param port of the server on `a.test.example`. */
  make(client: Client, port: number, ca: string, isCompressing: boolean): Begin
}

export const CALLERS: readonly Caller[] = [
  { name: 'channel() of grpc-js 1.14', make: (...args) => overChannel(newest, ...args) },
  { name: 'channel() of grpc-js 1.8', make: (...args) => overChannel(oldest as unknown as typeof newest, ...args) },
  { name: 'grpcClient()', make: overGrpcClient },
]

/** Messages that are taken one by one. */
class Queue {
  readonly #messages: Buffer[] = []
  readonly #waiting: ((message: Buffer | undefined) => void)[] = []
  #isEnded = false

  push(message: Buffer): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#messages.push(message)
    else waiting(message)
  }

  end(): void {
    this.#isEnded = true
    for (const waiting of this.#waiting.splice(0)) waiting(undefined)
  }

  next(): Promise<Buffer | undefined> {
    if (this.#messages.length > 0 || this.#isEnded) return Promise.resolve(this.#messages.shift())
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}

type AnyCall = newest.ClientUnaryCall & newest.ClientDuplexStream<Buffer, Buffer>

function overChannel(library: typeof newest, client: Client, port: number, ca: string, isCompressing: boolean): Begin {
  const credentials = library.credentials.createSsl(Buffer.from(ca))
  const address = `a.test.example:${port}`
  const options = isCompressing ? { 'grpc.default_compression_algorithm': 2 } : {}
  const made = new library.Client(address, credentials, {
    channelOverride: channel(client, address, credentials as never, options) as never,
  })
  return ({ path, requestStream, responseStream, requestSerialize, responseDeserialize }, settings = {}) => {
    const received = new Queue()
    const metadata = new library.Metadata()
    for (const [name, value] of Object.entries(settings.metadata ?? {})) metadata.set(name, value)
    const own = settings.timeoutMs === undefined ? {} : { deadline: Date.now() + settings.timeoutMs }
    const functions = [path, requestSerialize, responseDeserialize] as const
    const done: newest.requestCallback<Buffer> = (error, response) => {
      if (error === null) received.push(response!)
    }
    const begin = (message: Buffer): AnyCall => {
      if (!responseStream) return made.makeUnaryRequest(...functions, message, metadata, own, done) as AnyCall
      return made.makeServerStreamRequest(...functions, message, metadata, own) as unknown as AnyCall
    }
    let call: AnyCall | undefined
    if (requestStream && responseStream) call = made.makeBidiStreamRequest(...functions, metadata, own) as unknown as AnyCall
    else if (requestStream) call = made.makeClientStreamRequest(...functions, metadata, own, done) as unknown as AnyCall
    let settle!: (ended: Promise<Ended>) => void
    const ended = new Promise<Ended>((resolve) => {
      settle = resolve
    })
    const begun = (started: AnyCall): void => settle(endOf(started, received))
    if (call !== undefined) begun(call)
    return {
      send(message) {
        if (requestStream) return void call!.write(message)
        call = begin(message)
        begun(call)
      },
      end: () => void (requestStream && call!.end()),
      cancel: () => call!.cancel(),
      next: () => received.next(),
      ended,
    }
  }
}

/** Passes the messages of a call on, and resolves at its end. */
function endOf(call: AnyCall, received: Queue): Promise<Ended> {
  let initial: newest.Metadata | undefined
  call.on('metadata', (value: newest.Metadata) => {
    initial = value
  })
  call.on('data', (message: Buffer) => received.push(message))
  // Its status says why.
  call.on('error', () => undefined)
  return new Promise((resolve) => {
    call.on('status', ({ code, details, metadata }: newest.StatusObject) => {
      received.end()
      resolve({
        code,
        details,
        initial: (name) => initial?.get(name)[0],
        trailing: (name) => metadata.get(name)[0],
      })
    })
  })
}

function overGrpcClient(client: Client, port: number, _ca: string, isCompressing: boolean): Begin {
  const calls = grpcClient(client, {
    baseUrl: `https://a.test.example:${port}`,
    ...(isCompressing && { compression: 'gzip' as const }),
  })
  return (method, { timeoutMs, metadata } = {}) => {
    const controller = new AbortController()
    const options = {
      signal: controller.signal,
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(metadata !== undefined && { metadata: metadata as MetadataInput }),
    }
    const received = new Queue()
    const sent = new Queue()
    const messages = messagesOf(sent)
    const answer = async (): Promise<Ended> => {
      const { requestStream, responseStream } = method
      if (!responseStream) {
        const call = requestStream
          ? calls.clientStream(method, messages, options)
          : calls.unary(method, (await sent.next())!, options)
        const { response, metadata: initial, trailers, status } = await call
        received.push(response)
        return endedWith(status, initial, trailers)
      }
      const stream = requestStream
        ? calls.bidi(method, messages, options)
        : calls.serverStream(method, (await sent.next())!, options)
      for await (const message of stream) received.push(message)
      return endedWith({ code: 0, details: '' }, await stream.metadata, await stream.trailers)
    }
    const ended = answer()
      .catch((error: unknown) => failedWith(error, controller.signal))
      .finally(() => received.end())
    return {
      send: (message) => sent.push(message),
      end: () => sent.end(),
      cancel: () => controller.abort(),
      next: () => received.next(),
      ended,
    }
  }
}

async function* messagesOf(sent: Queue): AsyncGenerator<Buffer> {
  for (let message = await sent.next(); message !== undefined; message = await sent.next()) yield message
}

function endedWith(
  { code, details }: { code: number; details: string },
  initial: CallMetadata | undefined,
  trailers: CallMetadata,
): Ended {
  const read = (from: CallMetadata | undefined, name: string): unknown =>
    name.endsWith('-bin') ? from?.getBytes(name) : from?.get(name)
  return { code, details, initial: (name) => read(initial, name), trailing: (name) => read(trailers, name) }
}

function failedWith(error: unknown, signal: AbortSignal): Ended {
  // An abort rejects with its reason: for gRPC this is a call that is canceled.
  if (signal.aborted && error === signal.reason)
    return { code: 1, details: '', initial: () => undefined, trailing: () => undefined }
  if (!(error instanceof GrpcError)) throw error
  return endedWith({ code: error.status, details: error.details }, undefined, error.trailers)
}
