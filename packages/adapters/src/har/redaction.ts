/** Replaces secrets before they are recorded: values of fields and query parameters, and user info in URLs. */

import type { HarPair } from './format.js'

/** Recorded instead of a secret. */
export const REDACTED = 'redacted'

/** Fields that have credentials. */
const SECRET_FIELDS: readonly string[] = ['authorization', 'proxy-authorization', 'cookie', 'set-cookie']
/** User info of an absolute URL, or of one that begins with `//` (RFC 3986 §3.2.1). */
const USER_INFO = /(^|[:<"'\s=(,;])\/\/[^/?#\s]*@/g
/** A parameter of a query, of a fragment, or of a form. */
const PARAMETER = /([?&#])([^=&#?\s<>"]+)=([^&#\s<>"]*)/g

/** The secrets of one recording. */
export class Redaction {
  readonly #fields: ReadonlySet<string>
  readonly #query: ReadonlySet<string>

  /** Names are in lower case. */
  constructor(fields: readonly string[], query: readonly string[]) {
    this.#fields = new Set([...SECRET_FIELDS, ...fields])
    this.#query = new Set(query)
  }

  /** Fields without secrets. @param fields name, value, name, value… */
  fields(fields: readonly string[]): HarPair[] {
    const pairs: HarPair[] = []
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i]!
      pairs.push({ name, value: this.#fields.has(name.toLowerCase()) ? REDACTED : this.text(fields[i + 1]!) })
    }
    return pairs
  }

  /** A URL, or text with URLs, without secrets. */
  text(text: string): string {
    const anonymous = text.replaceAll(USER_INFO, '$1//')
    if (this.#query.size === 0) return anonymous
    return anonymous.replaceAll(PARAMETER, (whole, before: string, name: string) => {
      return this.#query.has(decoded(name).toLowerCase()) ? `${before}${name}=${REDACTED}` : whole
    })
  }

  /** An `application/x-www-form-urlencoded` body without secrets. */
  form(text: string): string {
    return this.text(`&${text}`).slice(1)
  }
}

/** Decodes the name of a parameter; malformed names stay as they are. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll('+', ' '))
  } catch {
    return name
  }
}
