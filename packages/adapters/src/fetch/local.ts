/**
 * Scheme fetch (Fetch standard §4.2): content of `blob:` and `data:` URLs. `about:blank` is not
 * fetched, as in browsers. Uses no network.
 */

import { resolveObjectURL } from 'node:buffer'
import { UsageError } from '@unshard/core'
import { type Answer, LocalAnswer, localHead } from './answer.js'
import { parseDataUrl } from './data-url.js'
import { quoted } from './location.js'

/** @throws UsageError if there is no content, and for unsupported schemes. */
export function fetchLocal(url: URL, method: string, range: string | undefined): Answer {
  switch (url.protocol) {
    case 'data:': {
      const { type, bytes } = parseDataUrl(url)
      return new LocalAnswer(localHead(type, undefined), bytes)
    }
    case 'blob:':
      return fetchBlob(url, method, range)
  }
  throw new UsageError('ERR_UNSUPPORTED_SCHEME', `unsupported URL scheme ${quoted(url.protocol)}`)
}

function fetchBlob(url: URL, method: string, range: string | undefined): Answer {
  if (method !== 'GET')
    throw new UsageError('ERR_INVALID_METHOD', `method ${quoted(method)} is not allowed for a blob: URL: use GET`)
  const blob = resolveObjectURL(url.href.slice(0, url.href.length - url.hash.length))
  if (blob === undefined) throw new UsageError('ERR_NO_OBJECT', `no object exists for ${quoted(url.href)}`)
  if (range === undefined) return new LocalAnswer(localHead(blob.type, blob.size), blob)
  const { start, end } = parseRange(range, blob.size)
  const part = blob.slice(start, end + 1, blob.type)
  const fields = ['content-range', `bytes ${start}-${end}/${blob.size}`]
  return new LocalAnswer(localHead(blob.type, part.size, 206, fields), part)
}

/** Maximum length of a range, in characters. */
const MAX_RANGE_LENGTH = 256

/** Fetch standard §2.2.2, "parse a single range header value". @throws UsageError `ERR_INVALID_RANGE`. */
function parseRange(range: string, size: number): { start: number; end: number } {
  const match = /^bytes=([0-9]{0,15})-([0-9]{0,15})$/.exec(range.length > MAX_RANGE_LENGTH ? '' : range.replace(/[\t ]/g, ''))
  const [first, last] = [match?.[1] ?? '', match?.[2] ?? '']
  const start = first === '' ? Math.max(size - Number(last), 0) : Number(first)
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if ((first === '' && last === '') || start > end)
    throw new UsageError('ERR_INVALID_RANGE', `range ${quoted(range)} does not fit ${size} bytes`)
  return { start, end }
}
