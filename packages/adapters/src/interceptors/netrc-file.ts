/** Parses a .netrc file: `machine`, `default`, `login`, `password`, `account` and `macdef`, with quoted tokens and comments as in curl. */

/** Credentials of one host. */
export interface NetrcEntry {
  login?: string
  password?: string
}

/** The entries of a file, by host in lower case; that of `default` has an empty name. The first entry of a host counts. */
export function parseNetrc(text: string): ReadonlyMap<string, NetrcEntry> {
  const entries = new Map<string, NetrcEntry>()
  const tokens = new Tokens(text)
  let entry: NetrcEntry = {}
  for (let token = tokens.next(); token !== undefined; token = tokens.next()) {
    if (token === 'machine' || token === 'default') {
      const host = token === 'default' ? '' : (tokens.next() ?? '').toLowerCase()
      entry = {}
      if (!entries.has(host)) entries.set(host, entry)
    } else if (token === 'login') entry.login ??= tokens.next() ?? ''
    else if (token === 'password') entry.password ??= tokens.next() ?? ''
    else if (token === 'account') tokens.next()
    else if (token === 'macdef') tokens.skipMacro()
  }
  return entries
}

const BLANKS = ' \t\r\n'
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' }

class Tokens {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  next(): string | undefined {
    this.#skipBlanks()
    while (this.#text[this.#at] === '#') {
      this.#skipTo('\n')
      this.#skipBlanks()
    }
    if (this.#at >= this.#text.length) return undefined
    return this.#text[this.#at] === '"' ? this.#quoted() : this.#plain()
  }

  /** A macro ends at an empty line. */
  skipMacro(): void {
    this.#skipTo('\n')
    while (this.#at < this.#text.length) {
      const start = this.#at + 1
      this.#at = start
      this.#skipTo('\n')
      if (this.#text.slice(start, this.#at).trim() === '') return
    }
  }

  #skipBlanks(): void {
    while (this.#at < this.#text.length && BLANKS.includes(this.#text[this.#at]!)) this.#at++
  }

  #skipTo(character: string): void {
    const at = this.#text.indexOf(character, this.#at)
    this.#at = at === -1 ? this.#text.length : at
  }

  #plain(): string {
    const start = this.#at
    while (this.#at < this.#text.length && !BLANKS.includes(this.#text[this.#at]!)) this.#at++
    return this.#text.slice(start, this.#at)
  }

  #quoted(): string {
    let value = ''
    for (this.#at++; this.#at < this.#text.length && this.#text[this.#at] !== '"'; this.#at++) {
      if (this.#text[this.#at] !== '\\') value += this.#text[this.#at]
      else {
        const escaped = this.#text[++this.#at] ?? ''
        value += ESCAPES[escaped] ?? escaped
      }
    }
    this.#at++
    return value
  }
}
