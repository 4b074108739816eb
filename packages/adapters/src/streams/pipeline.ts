/**
 * A whole exchange in one call: request content from a source, response content into a sink. A
 * failure of any of the three ends the others.
 */

import { finished, Readable, Writable } from 'node:stream'
import { pipeline as join } from 'node:stream/promises'
import { type Client, type HttpResponse, type RequestBody, type RequestOptions, UsageError } from '@unshard/core'
import { Cancellation } from './cancellation.js'
import { withFields } from './fields.js'
import { transferOptions, WITHOUT_BODY } from './options.js'
import { iteratorOf, type PartIterator } from './part-iterator.js'
import { openFile, type SourceFile } from './source-file.js'

/** Content source: any request body, an iterable, or a file given by its path. */
export type PipelineSource = RequestBody | Iterable<Uint8Array | string> | { readonly path: string | URL }

/** Destination of the response content. A function may read it itself or return a stream for it. */
export type PipelineSink = Writable | WritableStream<Uint8Array> | ((response: HttpResponse) => SinkResult | Promise<SinkResult>)

/**
 * Result of a sink function: a stream for the content. Any other value means that the function has
 * finished reading.
 */
type SinkResult = Writable | WritableStream<Uint8Array> | unknown

/**
 * Sends `source` and passes the response content to `sink` as it arrives, even while content is
 * still being sent. Default method `POST`. Resolves with the response when its content is in the
 * sink and the source has ended or is no longer needed. A failure ends the others: the HTTP stream
 * is reset, the source is destroyed, the sink is destroyed (a web stream: aborted), and the
 * connection stays open. A status is never a failure.
 * @param given as for `client.request`, without `body`.
 * @throws the failure: a source's error as the `cause` of a `StreamError`, a sink's own error,
 * `signal.reason`.
 */
export async function pipeline(
  client: Client,
  given: Omit<RequestOptions, 'body'>,
  source: PipelineSource,
  sink: PipelineSink,
): Promise<HttpResponse> {
  const options = await checked(given, source, sink)
  const cancellation = new Cancellation(options.signal)
  const unwatch = watchSink(sink, cancellation)
  let file: SourceFile | undefined
  try {
    file = isPath(source) ? await openFile(source.path) : undefined
    const headers = file === undefined ? options.headers : withFields(options.headers, { 'content-length': file.length })
    const content = new WatchedContent(file ?? (source as RequestBody | Iterable<Uint8Array | string>))
    const { signal } = cancellation
    const fields = headers === undefined ? {} : { headers }
    const response = await client.request({ method: 'POST', ...options, ...fields, body: content.body, signal })
    unwatch()
    await deliver(response, sink, signal)
    await content.over
    return response
  } catch (caught) {
    unwatch()
    cancellation.cancel(caught)
    // The first failure counts: for an abort, Node's own pipeline reports a different error.
    const error = cancellation.signal.reason
    await Promise.all([file?.close(), dropSource(source), dropSink(sink, error)])
    throw error
  }
}

/** Validates the options. On failure, source and sink are left as after any other failure. */
async function checked(
  given: Omit<RequestOptions, 'body'>,
  source: PipelineSource,
  sink: PipelineSink,
): Promise<Omit<RequestOptions, 'body'>> {
  try {
    return transferOptions(given, WITHOUT_BODY, 'pipeline()')
  } catch (error) {
    await Promise.all([dropSource(source), dropSink(sink, error)])
    throw error
  }
}

function isPath(source: PipelineSource): source is { readonly path: string | URL } {
  // A file stream has a path too.
  return typeof source === 'object' && 'path' in source && !(Symbol.asyncIterator in source)
}

/** Request content that reports when it has ended or is no longer needed. */
class WatchedContent {
  readonly body: RequestBody
  readonly over: Promise<void>

  constructor(source: RequestBody | Iterable<Uint8Array | string>) {
    if (!isReadAsSent(source)) {
      this.body = source as RequestBody
      this.over = Promise.resolve()
      return
    }
    let over!: () => void
    this.over = new Promise((resolve) => {
      over = resolve
    })
    this.body = { [Symbol.asyncIterator]: () => watched(iteratorOf(source), over) }
  }
}

function isReadAsSent(source: unknown): source is AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string> {
  if (typeof source !== 'object' || source === null || source instanceof Blob || ArrayBuffer.isView(source)) return false
  if (source instanceof URLSearchParams) return false
  return Symbol.asyncIterator in source || Symbol.iterator in source
}

const DONE = { done: true, value: undefined } as const

function watched(iterator: PartIterator, over: () => void): PartIterator {
  return {
    async next() {
      try {
        const result = await iterator.next()
        if (result.done === true) over()
        return result
      } catch (error) {
        over()
        throw error
      }
    },
    return() {
      over()
      return Promise.resolve(iterator.return?.()).then(() => DONE)
    },
  }
}

/**
 * A sink that fails while content is still being sent ends the request: its response would have no
 * destination.
 */
function watchSink(sink: PipelineSink, cancellation: Cancellation): () => void {
  if (!(sink instanceof Writable)) return () => undefined
  const closed = (error: Error | null | undefined): void =>
    cancellation.cancel(error ?? new UsageError('ERR_SINK_CLOSED', 'the sink was closed before the response arrived'))
  return finished(sink, { readable: false }, closed)
}

async function deliver(response: HttpResponse, sink: PipelineSink, signal: AbortSignal): Promise<void> {
  const target = typeof sink === 'function' ? await sink(response) : sink
  if (target instanceof Writable) return join(response.body, target, { signal })
  if (target instanceof WritableStream) return response.webStream().pipeTo(target, { signal })
  // The function has finished reading. The rest would hold its stream.
  if (!response.complete) response.discard()
}

/** Closes a source that the engine never opened; the engine closes those it has opened. */
async function dropSource(source: PipelineSource): Promise<void> {
  if (source instanceof Readable) source.destroy()
  else if (source instanceof ReadableStream && !source.locked) await source.cancel().catch(() => undefined)
}

async function dropSink(sink: PipelineSink, error: unknown): Promise<void> {
  if (sink instanceof Writable) {
    if (sink.destroyed) return
    // The promise reports the error: a stream without listeners must not end the process with it.
    sink.once('error', () => undefined)
    sink.destroy(error as Error)
  } else if (sink instanceof WritableStream && !sink.locked) await sink.abort(error).catch(() => undefined)
}
