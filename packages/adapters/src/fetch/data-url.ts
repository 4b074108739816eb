/** `data:` URLs (Fetch standard §6): their media type and their octets. */

import { MIMEType } from 'node:util'
import { UsageError } from '@unshard/core'
import { quoted } from './location.js'

/** What a `data:` URL holds. */
export interface DataUrl {
  readonly type: string
  readonly bytes: Uint8Array
}

const DEFAULT_TYPE = 'text/plain;charset=US-ASCII'
const BASE64_MARK = /; *base64$/i

/** @throws UsageError `ERR_DATA_URL` where there is no comma, or no base64 where it is promised. */
export function parseDataUrl(url: URL): DataUrl {
  const input = url.href.slice('data:'.length, url.href.length - url.hash.length)
  const comma = input.indexOf(',')
  if (comma === -1) throw new UsageError('ERR_DATA_URL', `no comma in ${quoted(url.href)}`)
  const described = input.slice(0, comma).replace(/^[\t\n\f\r ]+|[\t\n\f\r ]+$/g, '')
  const content = percentDecode(input.slice(comma + 1))
  if (!BASE64_MARK.test(described)) return { type: toType(described), bytes: content }
  return { type: toType(described.replace(BASE64_MARK, '')), bytes: forgivingBase64(content) }
}

function toType(text: string): string {
  try {
    return String(new MIMEType(text.startsWith(';') ? `text/plain${text}` : text))
  } catch {
    return DEFAULT_TYPE
  }
}

/** URL standard §1.3: what is no escape stays as it is. */
function percentDecode(text: string): Uint8Array {
  const input = Buffer.from(text)
  if (!text.includes('%')) return input
  const output = Buffer.allocUnsafeSlow(input.length)
  let length = 0
  for (let at = 0; at < input.length; at++) {
    const escaped = input[at] === 0x25 ? input.toString('latin1', at + 1, at + 3) : ''
    if (/^[0-9a-f]{2}$/i.test(escaped)) {
      output[length++] = Number.parseInt(escaped, 16)
      at += 2
    } else output[length++] = input[at]!
  }
  return output.subarray(0, length)
}

/** Infra standard §7: white space is left out, padding may be missing, everything else is an error. */
function forgivingBase64(content: Uint8Array): Uint8Array {
  const text = Buffer.from(content)
    .toString('latin1')
    .replace(/[\t\n\f\r ]+/g, '')
  const bare = text.length % 4 === 0 ? text.replace(/={1,2}$/, '') : text
  if (bare.length % 4 === 1 || !/^[A-Za-z0-9+/]*$/.test(bare))
    throw new UsageError('ERR_DATA_URL', 'the content of the data: URL is not valid base64')
  return Buffer.from(bare, 'base64')
}
