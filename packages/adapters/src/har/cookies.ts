/** Names and attributes of cookies (RFC 6265). Values are secret, and are not recorded. */

import type { HarCookie } from './format.js'
import { REDACTED } from './redaction.js'

/** Maximum number of cookies of a line, and of attributes of a cookie: a hostile line has a million. */
const MAX_PARTS = 200

/** Returns the values of all lines of a field. @param fields name, value, name, value… */
function linesNamed(fields: readonly string[], name: string): string[] {
  return fields.filter((_, i) => i % 2 === 1 && fields[i - 1]!.toLowerCase() === name)
}

/** The cookies that a request sends. */
export function sentCookies(fields: readonly string[]): HarCookie[] {
  return linesNamed(fields, 'cookie')
    .flatMap((line) => line.split(';', MAX_PARTS))
    .map(cookieNameOf)
    .filter((name) => name !== '')
    .map((name) => ({ name, value: REDACTED }))
}

/** The cookies that a response sets. */
export function setCookies(fields: readonly string[]): HarCookie[] {
  return linesNamed(fields, 'set-cookie').map((line) => {
    const [pair = '', ...attributes] = line.split(';', MAX_PARTS)
    return { name: cookieNameOf(pair), value: REDACTED, ...Object.assign({}, ...attributes.map(attributeOf)) }
  })
}

/** Without `=`, the text is a value (RFC 6265bis §5.6), and secret. */
function cookieNameOf(pair: string): string {
  return pair.includes('=') ? nameOf(pair) : ''
}

function nameOf(pair: string): string {
  return pair.split('=', 1)[0]!.trim()
}

function attributeOf(text: string): Partial<HarCookie> {
  const name = nameOf(text).toLowerCase()
  const value = text.slice(text.indexOf('=') + 1).trim()
  if (name === 'secure') return { secure: true }
  if (name === 'httponly') return { httpOnly: true }
  if (name === 'path' || name === 'domain') return { [name]: value }
  const date = name === 'expires' ? new Date(value) : undefined
  return date === undefined || Number.isNaN(date.getTime()) ? {} : { expires: date.toISOString() }
}
