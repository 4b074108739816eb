/** Fields of a response as Node's `IncomingMessage` shows them. */

import type { IncomingHttpHeaders } from 'node:http'

/** Fields of which Node keeps the first line only (documentation of `message.headers`). */
const FIRST_ONLY: ReadonlySet<string> = new Set([
  ...['age', 'authorization', 'content-length', 'content-type', 'etag', 'expires', 'from', 'host', 'if-modified-since'],
  ...['if-unmodified-since', 'last-modified', 'location', 'max-forwards', 'proxy-authorization', 'referer', 'retry-after'],
  ...['server', 'user-agent'],
])

/** Joins the lines of each field. @param list names and values in turn. */
export function joinedFields(list: readonly string[]): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = {}
  for (let i = 0; i < list.length; i += 2) addLine(headers, list[i]!, list[i + 1]!)
  return headers
}

function addLine(headers: IncomingHttpHeaders, name: string, value: string): void {
  if (name === 'set-cookie') {
    if (headers[name] === undefined) headers[name] = [value]
    else headers[name].push(value)
  } else if (!Object.hasOwn(headers, name)) headers[name] = value
  else if (!FIRST_ONLY.has(name)) headers[name] += `${name === 'cookie' ? '; ' : ', '}${value}`
}

/** Returns pairs of a list of names and values in turn. */
export function pairsOf(list: readonly string[]): [string, string][] {
  return Array.from({ length: list.length >> 1 }, (_, i) => [list[2 * i]!, list[2 * i + 1]!])
}
