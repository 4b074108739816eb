/** Converts an attempt to an entry of HAR. */

import { UnshardError } from '@unshard/core'
import type { Attempt } from './attempt.js'
import { contentOf, postDataOf, unreadContent } from './content.js'
import { sentCookies, setCookies } from './cookies.js'
import type { HarEntry, HarPair, HarRequest, HarResponse } from './format.js'
import type { Redaction } from './redaction.js'
import { timingsOf } from './timings.js'

/** How entries are made. */
export interface EntrySettings {
  readonly redaction: Redaction
  /** Maximum size of a recorded body. */
  readonly maxBodyBytes: number
}

const NO_FIELDS: readonly string[] = []
const NO_CONTENT = { size: 0, mimeType: 'x-unknown' } as const

/** Returns the entry of an attempt that has ended, with its content. */
export async function entryOf(attempt: Attempt, settings: EntrySettings): Promise<HarEntry> {
  const entry = entryWithoutContent(attempt, settings)
  if (attempt.body === undefined || entry.response.status === 0) return entry
  const content = await contentOf(attempt, valuesOf(attempt.receive!.headers ?? NO_FIELDS), settings.maxBodyBytes)
  return { ...entry, response: { ...entry.response, content } }
}

/** Returns the entry of an attempt as it is now: it may be in flight. */
export function entryWithoutContent(attempt: Attempt, settings: EntrySettings): HarEntry {
  const { request, receive, error, isReplayed } = attempt
  const carrier = receive?.carrier
  const { time, timings } = timingsOf(attempt)
  const priority = valuesOf(request.headers).get('priority')
  return {
    startedDateTime: new Date(attempt.startedAt).toISOString(),
    time,
    request: requestOf(attempt, settings),
    response: responseOf(attempt, settings),
    cache: {},
    timings,
    // Behind a proxy the address is that of the proxy.
    ...(carrier?.remoteAddress !== undefined && carrier.proxy === undefined && { serverIPAddress: carrier.remoteAddress }),
    ...(carrier !== undefined && {
      connection: String(carrier.id),
      _connectionId: String(carrier.id),
      _protocol: carrier.protocol,
      _coalesced: carrier.coalesced,
      _because: carrier.because,
    }),
    _resourceType: 'fetch',
    ...(priority !== undefined && { _priority: priority }),
    ...(error !== undefined && { _error: settings.redaction.text(shownError(error)) }),
    ...(isReplayed && { _replayed: true }),
  }
}

function requestOf(attempt: Attempt, { redaction, maxBodyBytes }: EntrySettings): HarRequest {
  const { request, receive } = attempt
  const { method, scheme, authority, path, headers, body } = request
  const url = redaction.text(`${scheme}://${authority}${path}`)
  const postData = postDataOf(attempt, valuesOf(headers), maxBodyBytes, redaction)
  return {
    method,
    url,
    httpVersion: receive?.carrier.protocol ?? 'unknown',
    cookies: sentCookies(headers),
    headers: redaction.fields(headers),
    queryString: queryOf(url),
    ...(postData !== undefined && { postData }),
    headersSize: -1,
    bodySize: body === undefined ? 0 : (body.length ?? -1),
  }
}

function responseOf(attempt: Attempt, { redaction }: EntrySettings): HarResponse {
  const { status = 0, statusText = '', headers = NO_FIELDS, carrier } = attempt.receive ?? {}
  const values = valuesOf(headers)
  return {
    status,
    statusText,
    httpVersion: carrier?.protocol ?? 'unknown',
    cookies: setCookies(headers),
    headers: redaction.fields(headers),
    content: status === 0 ? NO_CONTENT : unreadContent(attempt, values),
    redirectURL: redaction.text(values.get('location') ?? ''),
    headersSize: -1,
    bodySize: status === 0 ? -1 : attempt.receivedBytes,
    _transferSize: attempt.receivedBytes,
  }
}

/** The first value of each field. */
function valuesOf(fields: readonly string[]): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (let i = 0; i < fields.length; i += 2) if (!values.has(fields[i]!)) values.set(fields[i]!, fields[i + 1]!)
  return values
}

function queryOf(url: string): HarPair[] {
  const start = url.indexOf('?')
  return start === -1 ? [] : [...new URLSearchParams(url.slice(start))].map(([name, value]) => ({ name, value }))
}

function shownError(error: unknown): string {
  if (error instanceof UnshardError) return `${error.code}: ${error.message}`
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}
