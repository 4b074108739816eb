/**
 * Converts an entry of HAR, of any program, to an entry of the page. All members are checked: any may be
 * absent or of another type. Bodies are not copied.
 */

import type { Field, PageEntry } from '@unshard/page'
import { shownText } from './shown-text.js'

/** Maximum length of a URL, in characters. */
const MAX_URL = 4_000
/** Maximum length of any other text, in characters. */
const MAX_TEXT = 1_000
/** Maximum number of fields of a message, and of their characters together. */
const MAX_FIELDS = 100
const MAX_FIELD_TEXT = 8_000
/** Maximum duration of a phase, in milliseconds: a week. */
const MAX_MS = 604_800_000
/** Latest time of `Date`, in milliseconds. */
const MAX_DATE = 8.64e15

type Members = Readonly<Record<string, unknown>>
const EMPTY: Members = {}

/** Returns the members of an object, or no members of anything else. */
export function membersOf(value: unknown): Members {
  return typeof value === 'object' && value !== null ? (value as Members) : EMPTY
}

/** How entries are read. */
export interface EntryReading {
  readonly id: number
  readonly isPending: boolean
  /** Start of an entry without a valid one, in milliseconds since 1970. */
  readonly otherwiseStartedMs: number
  /** Whether `connection` names a connection; some programs write a port there. */
  readonly hasConnections: boolean
}

/** Converts an entry. */
export function pageEntryOf(given: unknown, { id, isPending, otherwiseStartedMs, hasConnections }: EntryReading): PageEntry {
  const entry = membersOf(given)
  const request = membersOf(entry['request'])
  const response = membersOf(entry['response'])
  const content = membersOf(response['content'])
  const { phases, durationMs } = timesOf(entry)
  const protocol = entry['_protocol'] ?? protocolOf(response['httpVersion'] ?? request['httpVersion'])
  return {
    ...{ id, isPending, phases, durationMs },
    startMs: startedMsOf(entry['startedDateTime']) ?? otherwiseStartedMs,
    method: shownText(request['method'], 40) || '?',
    ...urlOf(request['url']),
    status: wholeNumber(response['status'], 0, 999),
    statusText: shownText(response['statusText'], 100),
    protocol: shownText(protocol, 20),
    connection: hasConnections ? connectionOf(entry) : '',
    address: shownText(entry['serverIPAddress'], 100),
    receivedBytes: isPending ? -1 : firstSize(response['_transferSize'], response['bodySize'], content['size']),
    sentBytes: firstSize(request['bodySize']),
    contentType: shownText(content['mimeType'], 200),
    because: shownText(entry['_because'], 100),
    isCoalesced: entry['_coalesced'] === true,
    isReplayed: entry['_replayed'] === true,
    priority: shownText(entry['_priority'], 100),
    error: shownText(entry['_error'] ?? response['_error'], MAX_TEXT),
    requestFields: fieldsOf(request['headers']),
    responseFields: fieldsOf(response['headers']),
  }
}

/** The id of an entry's connection; empty without one. */
export function connectionOf(given: unknown): string {
  const { connection, _connectionId } = membersOf(given)
  return shownText(connection, 100) || shownText(_connectionId, 100)
}

/** The time of a date in milliseconds since 1970; `undefined` for an invalid one. */
export function startedMsOf(date: unknown): number | undefined {
  const ms = typeof date === 'string' ? Date.parse(date) : Number.NaN
  return Math.abs(ms) <= MAX_DATE ? ms : undefined
}

function timesOf(entry: Members): { phases: number[]; durationMs: number } {
  const { blocked, dns, connect, ssl, send, wait, receive } = membersOf(entry['timings'])
  const tls = phaseOf(ssl)
  const withTls = phaseOf(connect)
  // By HAR 1.2 `connect` includes `ssl`. Programs that do not know that have the smaller `connect`.
  const tcp = withTls >= tls && tls > 0 ? withTls - tls : withTls
  const phases = [phaseOf(blocked), phaseOf(dns), tcp, tls, phaseOf(send), phaseOf(wait), phaseOf(receive)]
  const sum = phases.reduce((total, ms) => total + Math.max(0, ms), 0)
  const rounded = phases.map((ms) => Math.round(ms * 1000) / 1000)
  return { phases: rounded, durationMs: sum > 0 ? Math.round(sum * 1000) / 1000 : Math.max(0, phaseOf(entry['time'])) }
}

function phaseOf(ms: unknown): number {
  return typeof ms === 'number' && ms >= 0 ? Math.min(ms, MAX_MS) : -1
}

function urlOf(url: unknown): Pick<PageEntry, 'url' | 'host' | 'path'> {
  const shown = shownText(url, MAX_URL)
  const begin = shown.indexOf('://')
  if (begin === -1) return { url: shown, host: '', path: shown }
  const rest = shown.slice(begin + 3)
  const end = rest.search(/[/?#]/)
  if (end === -1) return { url: shown, host: rest, path: '/' }
  // User info is not a part of the host.
  const host = rest.slice(0, end)
  return { url: shown, host: host.slice(host.lastIndexOf('@') + 1), path: rest.slice(end) }
}

/** Other programs write `http/2.0` or `HTTP/2`. */
function protocolOf(version: unknown): string {
  const text = typeof version === 'string' ? version.toLowerCase() : ''
  if (text === 'h2' || text === 'http/2.0' || text === 'http/2') return 'h2'
  if (text === 'h3' || text === 'http/3.0' || text === 'http/3') return 'h3'
  return text === 'unknown' ? '' : text
}

function wholeNumber(value: unknown, least: number, most: number): number {
  return Number.isInteger(value) ? Math.max(least, Math.min(most, value as number)) : least
}

function firstSize(...sizes: readonly unknown[]): number {
  const found = sizes.find((size) => typeof size === 'number' && size >= 0 && Number.isFinite(size)) as number | undefined
  return found === undefined ? -1 : Math.round(found)
}

function fieldsOf(given: unknown): Field[] {
  if (!Array.isArray(given)) return []
  const fields: Field[] = []
  let left = MAX_FIELD_TEXT
  for (const each of given.slice(0, MAX_FIELDS)) {
    const { name, value } = membersOf(each)
    const shownName = shownText(name, 200)
    const shownValue = shownText(value, Math.min(left, MAX_TEXT))
    fields.push([shownName, shownValue])
    left -= shownName.length + shownValue.length
    if (left <= 0) break
  }
  if (fields.length < given.length) fields.push(['…', `${given.length - fields.length} fields are not shown`])
  return fields
}
