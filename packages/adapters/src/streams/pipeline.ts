/** A whole exchange in one call: content from a source, the response's content into a sink; whichever fails ends all three. */

import { finished, Readable, Writable } from 'node:stream'
import { pipeline as join } from 'node:stream/promises'
import { type Client, type HttpResponse, type RequestBody, type RequestOptions, UsageError } from '@unshard/core'
import { Cancellation } from './cancellation.js'
import { withFields } from './fields.js'
import { transferOptions, WITHOUT_BODY } from './options.js'
import { iteratorOf, type PartIterator } from './part-iterator.js'
import { openFile, type SourceFile } from './source-file.js'

/** Where content comes from: whatever a request takes as its body, an iterable, or a file by its path. */
export type PipelineSource = RequestBody | Iterable<Uint8Array | string> | { readonly path: string | URL }

/** Where the response's content goes. A function may read it itself, or return the stream for it. */
export type PipelineSink = Writable | WritableStream<Uint8Array> | ((response: HttpResponse) => SinkResult | Promise<SinkResult>)

/** What a sink that is a function may return: a stream for the content; anything else means that it has read what it wants. */
type SinkResult = Writable | WritableStream<Uint8Array> | unknown

/**
 * Sends `source`, and passes the answer's content to `sink` as it comes, also while content is still sent. Default method `POST`. Resolves with the
 * response when its content has gone into the sink and the source has ended or is not wanted any more. Whatever fails ends the others: the HTTP stream
 * is reset, the source is destroyed, the sink is destroyed (a web stream: aborted), and the connection stays. A status is never a failure.
 * @param given as for `client.request`, without `body`.
 * @throws what ended it: a source's error as the `cause` of a `StreamError`, a sink's own error, `signal.reason`.
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
    // Whoever came first: where that was an abort, Node's own pipeline calls it by another name.
    const error = cancellation.signal.reason
    await Promise.all([file?.close(), dropSource(source), dropSink(sink, error)])
    throw error
  }
}

/** The options, or the error that names what is wrong with them; then source and sink are left as after any failure. */
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
  // A stream of a file has a path too.
  return typeof source === 'object' && 'path' in source && !(Symbol.asyncIterator in source)
}

/** Content as a request takes it; says when it has ended, or nobody wants the rest. */
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

/** A sink that fails while content is still sent ends that: its response would have nowhere to go. */
function watchSink(sink: PipelineSink, cancellation: Cancellation): () => void {
  if (!(sink instanceof Writable)) return () => undefined
  const closed = (error: Error | null | undefined): void =>
    cancellation.cancel(error ?? new UsageError('ERR_SINK_CLOSED', 'the sink was closed before the response came'))
  return finished(sink, { readable: false }, closed)
}

async function deliver(response: HttpResponse, sink: PipelineSink, signal: AbortSignal): Promise<void> {
  const target = typeof sink === 'function' ? await sink(response) : sink
  if (target instanceof Writable) return join(response.body, target, { signal })
  if (target instanceof WritableStream) return response.webStream().pipeTo(target, { signal })
  // A function has read what it wants. The rest would hold its stream.
  if (!response.complete) response.discard()
}

/** What the engine has opened it has left; what it never came to is left here. */
async function dropSource(source: PipelineSource): Promise<void> {
  if (source instanceof Readable) source.destroy()
  else if (source instanceof ReadableStream && !source.locked) await source.cancel().catch(() => undefined)
}

async function dropSink(sink: PipelineSink, error: unknown): Promise<void> {
  if (sink instanceof Writable) {
    if (sink.destroyed) return
    // The promise tells it: a stream that nobody else listens to must not end the process with it.
    sink.once('error', () => undefined)
    sink.destroy(error as Error)
  } else if (sink instanceof WritableStream && !sink.locked) await sink.abort(error).catch(() => undefined)
}
