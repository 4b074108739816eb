/**
 * Reads the entries of a HAR. It may come from another program, or from someone who wants to harm the reader: a
 * member that is missing, or of another type, is unknown, and no text is trusted.
 */

import { CommandError } from '../errors.js'

/** One entry. `undefined` stands for what the file does not say. */
export interface HarLine {
  /** Milliseconds since 1970. */
  readonly startMs: number | undefined
  readonly method: string
  readonly url: string
  /** 0 without a response. */
  readonly status: number | undefined
  /** Bytes of the response: those that were transferred, or else those of its content. */
  readonly bytes: number | undefined
  readonly durationMs: number | undefined
  readonly protocol: string | undefined
  readonly connection: string | undefined
  readonly address: string | undefined
  /** Whether the connection was made for another origin. */
  readonly shared: boolean | undefined
  /** Reason for the choice of the connection, in recordings of unshard. */
  readonly because: string | undefined
  readonly error: string | undefined
}

type Json = Readonly<Record<string, unknown>>

/** Parses a file. @param name for errors. @throws CommandError if it is not a HAR. */
export function harLines(content: Buffer, name: string): HarLine[] {
  const entries = member(member(parsed(content, name), 'log'), 'entries')
  if (!Array.isArray(entries)) throw new CommandError(`${name} is not a HAR: it has no list log.entries`)
  return withOwners(entries.map(lineOf), entries)
}

function parsed(content: Buffer, name: string): unknown {
  const bytes = content[0] === 0xef && content[1] === 0xbb && content[2] === 0xbf ? content.subarray(3) : content
  let text: string
  try {
    text = bytes.toString()
  } catch {
    throw new CommandError(`${name} is too large: ${bytes.length} bytes`)
  }
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new CommandError(`${name} is not valid JSON`)
  }
}

function lineOf(entry: unknown): HarLine {
  const { startedDateTime, time, request, response, serverIPAddress, connection, _connectionId, _coalesced, _because, _error } =
    objectOf(entry)
  const { method, url, httpVersion } = objectOf(request)
  const { status, httpVersion: answered } = objectOf(response)
  const startMs = Date.parse(textOf(startedDateTime) ?? '')
  return {
    startMs: Number.isNaN(startMs) ? undefined : startMs,
    method: textOf(method) ?? '?',
    url: textOf(url) ?? '?',
    status: amountOf(status),
    bytes: bytesOf(objectOf(response)),
    durationMs: amountOf(time),
    protocol: textOf(answered) ?? textOf(httpVersion),
    connection: textOf(_connectionId) ?? textOf(connection),
    address: textOf(serverIPAddress),
    shared: typeof _coalesced === 'boolean' ? _coalesced : undefined,
    because: textOf(_because),
    error: textOf(_error) ?? textOf(objectOf(response)['_error']),
  }
}

/** Bytes on the wire where the program recorded them; -1 means unknown in HAR. */
function bytesOf({ _transferSize, headersSize, bodySize, content }: Json): number | undefined {
  const body = amountOf(bodySize)
  const whole = body === undefined ? undefined : body + (amountOf(headersSize) ?? 0)
  return amountOf(_transferSize) ?? whole ?? amountOf(objectOf(content)['size'])
}

/**
 * Other programs do not record whether a connection was shared. Chrome numbers connections (`_connectionId`), so
 * the origin of the first entry on one is its owner. `connection` may be a port, which says nothing.
 */
function withOwners(lines: readonly HarLine[], entries: readonly unknown[]): HarLine[] {
  const ids = entries.map((entry) => textOf(objectOf(entry)['_connectionId']))
  const first = new Map<string, HarLine>()
  for (const [i, line] of lines.entries()) {
    const id = ids[i]
    if (id === undefined || line.startMs === undefined) continue
    const earliest = first.get(id)?.startMs
    if (earliest === undefined || line.startMs < earliest) first.set(id, line)
  }
  return lines.map((line, i) => {
    const owner = first.get(ids[i] ?? '')
    if (line.shared !== undefined || owner === undefined) return line
    return { ...line, shared: originText(owner.url) !== originText(line.url) }
  })
}

/** Returns the part of a URL before its path. */
export function originText(url: string): string {
  const start = url.indexOf('://')
  const end = start === -1 ? -1 : url.indexOf('/', start + 3)
  return end === -1 ? url : url.slice(0, end)
}

function member(value: unknown, name: string): unknown {
  return objectOf(value)[name]
}

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {}
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** A number that is not negative: -1 means unknown in HAR. */
function amountOf(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER ? value : undefined
}
