/** MIME types (MIME Sniffing standard §4), parsed and serialized in linear time. */

/** A parsed MIME type: names in lower case, parameters in order. */
export interface MimeType {
  /** Type and subtype, such as `text/html`. */
  readonly essence: string
  readonly parameters: Map<string, string>
}

/** Maximum length of a MIME type, in characters. */
const MAX_LENGTH = 65_536

/** MIME Sniffing §4.4, "parse a MIME type"; `undefined` for invalid text. */
export function parseMimeType(text: string): MimeType | undefined {
  const slash = text.length > MAX_LENGTH ? -1 : text.indexOf('/')
  if (slash === -1) return undefined
  const semicolon = text.indexOf(';', slash)
  const end = semicolon === -1 ? text.length : semicolon
  const type = trimBlanks(text, 0, slash, true, false).toLowerCase()
  const subtype = trimBlanks(text, slash + 1, end, false, true).toLowerCase()
  if (!isToken(type) || !isToken(subtype)) return undefined
  return { essence: `${type}/${subtype}`, parameters: parseParameters(text, end) }
}

/** MIME Sniffing §4.5, "serialize a MIME type". */
export function serializeMimeType({ essence, parameters }: MimeType): string {
  let text = essence
  for (const [name, value] of parameters) text += `;${name}=${isToken(value) ? value : quote(value)}`
  return text
}

/**
 * Fetch standard §3.5, "extract a MIME type" from the value of `content-type`; `undefined` if it
 * contains no valid one.
 */
export function extractMimeType(value: string | undefined): MimeType | undefined {
  if (value === undefined || value.length > MAX_LENGTH) return undefined
  let found: MimeType | undefined
  let charset: string | undefined
  for (const part of listOf(value)) {
    const parsed = parseMimeType(part)
    if (parsed === undefined || parsed.essence === '*/*') continue
    const own = parsed.parameters.get('charset')
    if (parsed.essence !== found?.essence) charset = own
    else if (own === undefined && charset !== undefined) parsed.parameters.set('charset', charset)
    found = parsed
  }
  return found
}

function parseParameters(text: string, from: number): Map<string, string> {
  const parameters = new Map<string, string>()
  // Each round begins behind a semicolon.
  for (let at = from; at < text.length; ) {
    at++
    while (at < text.length && isBlank(text.charCodeAt(at))) at++
    const start = at
    while (at < text.length && text[at] !== ';' && text[at] !== '=') at++
    if (text[at] !== '=') continue
    const name = text.slice(start, at).toLowerCase()
    const { value, end } = parseValue(text, at + 1)
    at = end
    if (value !== undefined && isToken(name) && isQuotable(value) && !parameters.has(name)) parameters.set(name, value)
  }
  return parameters
}

/** Parses a value up to the semicolon behind it. An empty unquoted value counts as missing. */
function parseValue(text: string, at: number): { value: string | undefined; end: number } {
  if (text[at] === '"') {
    const { value, end } = parseQuoted(text, at)
    const semicolon = text.indexOf(';', end)
    return { value, end: semicolon === -1 ? text.length : semicolon }
  }
  const semicolon = text.indexOf(';', at)
  const end = semicolon === -1 ? text.length : semicolon
  const value = trimBlanks(text, at, end, false, true)
  return { value: value === '' ? undefined : value, end }
}

/**
 * Fetch standard §2.2, "collect an HTTP quoted string": text between two quotes, or up to the end.
 */
function parseQuoted(text: string, quoteAt: number): { value: string; end: number } {
  let value = ''
  let start = quoteAt + 1
  let at = start
  for (let code = text.charCodeAt(at); at < text.length && code !== QUOTE; code = text.charCodeAt(at)) {
    if (code !== BACKSLASH) at++
    else {
      value += text.slice(start, at)
      // A backslash at the very end stands for itself.
      start = at + 1 < text.length ? at + 1 : at
      at = start + 1
    }
  }
  return { value: value + text.slice(start, at), end: Math.min(at + 1, text.length) }
}

function endOfQuoted(text: string, quoteAt: number): number {
  let at = quoteAt + 1
  for (let code = text.charCodeAt(at); at < text.length && code !== QUOTE; code = text.charCodeAt(at)) {
    at += code === BACKSLASH ? 2 : 1
  }
  return Math.min(at + 1, text.length)
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c

/**
 * Fetch standard §2.2.2, "get, decode, and split": the values of a list; commas inside quotes do
 * not separate.
 */
function* listOf(text: string): Generator<string> {
  let start = 0
  let at = 0
  while (at < text.length) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = endOfQuoted(text, at)
    else if (code !== COMMA) at++
    else {
      if (at > start) yield text.slice(start, at)
      start = ++at
    }
  }
  if (at > start) yield text.slice(start, at)
}

function trimBlanks(text: string, start: number, end: number, atStart: boolean, atEnd: boolean): string {
  while (atStart && start < end && isBlank(text.charCodeAt(start))) start++
  while (atEnd && end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

/** Fetch standard §2.2, "HTTP whitespace". */
function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d
}

function isToken(text: string): boolean {
  return TOKEN.test(text)
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** Whether a quoted string can contain it. */
function isQuotable(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code !== 0x09 && (code < 0x20 || code === 0x7f || code > 0xff)) return false
  }
  return true
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}
