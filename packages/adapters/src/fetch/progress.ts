/** Progress of content, either way. Only where somebody asked: content is then cut into parts on its way. */

import type { RequestBody } from '@unshard/core'
import { iteratorOf } from '../streams/part-iterator.js'
import type { FetchBody } from './body.js'
import type { Progress } from './init.js'

/** Content in memory is handed over in parts of this size, octets, so that there is progress to tell. */
const PART_BYTES = 65_536

type Report = (progress: Progress) => void

/** The same body, telling `report` what of it the connection has taken. */
export function withUploadProgress(body: FetchBody, report: Report): FetchBody {
  const { content, type } = known(body)
  const total = body.length ?? (content instanceof Blob ? content.size : content?.length)
  const open = (): RequestBody => {
    const source = content === undefined ? (body.open() as AsyncIterable<Uint8Array | string>) : partsOf(content)
    return { [Symbol.asyncIterator]: () => counted(source, total, report) }
  }
  return { ...body, type: body.type ?? type, length: total, open }
}

/** Content whose length is known, and the media type that the client would have given it. */
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

/** Who asks for the next part has taken the ones before. */
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

/** The same parts, each told as it is read. */
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
