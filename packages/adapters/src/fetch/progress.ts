/**
 * Upload and download progress. Used only if requested, because content is then split into parts.
 */

import type { RequestBody } from '@unshard/core'
import { iteratorOf } from '../streams/part-iterator.js'
import type { FetchBody } from './body.js'
import type { Progress } from './init.js'

/** Part size of content in memory, in bytes, so that there is progress to report. */
const PART_BYTES = 65_536

type Report = (progress: Progress) => void

/** Wraps a body and reports to `report` how much of it the connection has taken. */
export function withUploadProgress(body: FetchBody, report: Report): FetchBody {
  const { content, type } = known(body)
  const total = body.length ?? (content instanceof Blob ? content.size : content?.length)
  const open = (): RequestBody => {
    const source = content === undefined ? (body.open() as AsyncIterable<Uint8Array | string>) : partsOf(content)
    return { [Symbol.asyncIterator]: () => counted(source, total, report) }
  }
  return { ...body, type: body.type ?? type, length: total, open }
}

/** Returns content of known length with the media type the client would have given it. */
function known(body: FetchBody): { content: Uint8Array | Blob | undefined; type: string | undefined } {
  if (!body.replayable) return { content: undefined, type: undefined }
  const opened = body.open()
  if (typeof opened === 'string') return { content: Buffer.from(opened), type: 'text/plain;charset=UTF-8' }
  if (opened instanceof Blob) return { content: opened, type: opened.type === '' ? undefined : opened.type }
  return { content: opened instanceof Uint8Array ? opened : undefined, type: undefined }
}

async function* partsOf(content: Uint8Array | Blob): AsyncGenerator<Uint8Array> {
  const chunks = content instanceof Blob ? (content.stream() as unknown as AsyncIterable<Uint8Array>) : [content]
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += PART_BYTES) yield chunk.subarray(at, at + PART_BYTES)
  }
}

/** A request for the next part means that the earlier parts were taken. */
function counted(
  source: AsyncIterable<Uint8Array | string>,
  total: number | undefined,
  report: Report,
): AsyncIterator<Uint8Array | string> {
  const iterator = iteratorOf(source)
  let bytes = 0
  return {
    async next() {
      if (bytes > 0) report({ bytes, total })
      const result = await iterator.next()
      if (result.done !== true) bytes += typeof result.value === 'string' ? Buffer.byteLength(result.value) : result.value.length
      else if (bytes === 0) report({ bytes, total })
      return result
    },
    return: (reason) => iterator.return?.(reason) ?? Promise.resolve({ done: true, value: undefined }),
  }
}

/** Passes the parts through and reports each as it is read. */
export function withDownloadProgress(
  source: AsyncIterableIterator<Uint8Array>,
  total: number | undefined,
  report: Report,
): AsyncIterableIterator<Uint8Array> {
  let bytes = 0
  return {
    async next() {
      const result = await source.next()
      if (result.done !== true) bytes += result.value.length
      report({ bytes, total })
      return result
    },
    return: () => source.return!(),
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
