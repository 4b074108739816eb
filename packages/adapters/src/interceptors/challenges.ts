/** Parses `www-authenticate` (RFC 9110 §11.6.1): challenges of several schemes in one list. */

/** One challenge: its scheme in lower case, and its parameters by their names in lower case. */
export interface Challenge {
  readonly scheme: string
  readonly parameters: ReadonlyMap<string, string>
}

/** Maximum length of a field that is parsed, in characters; the rest is ignored. */
const MAX_LENGTH = 16_384
/** Characters that end a token. */
const ENDS = new Set(' \t,="')

/** Returns the challenges in order. Text that is not a challenge is skipped. */
export function parseChallenges(field: string): Challenge[] {
  const scanner = new Scanner(field.slice(0, MAX_LENGTH))
  const found: Challenge[] = []
  let parameters = new Map<string, string>()
  while (scanner.skip(' \t,=')) {
    const token = scanner.token().toLowerCase()
    scanner.skip(' \t')
    if (scanner.at('=')) {
      scanner.skip(' \t=')
      const value = scanner.at('"') ? scanner.quoted() : scanner.token()
      // A repeated parameter is invalid (RFC 9110 §11.2): the first one counts.
      if (!parameters.has(token)) parameters.set(token, value)
    } else if (token === '') {
      // A quoted string without a name.
      scanner.quoted()
    } else {
      parameters = new Map()
      found.push({ scheme: token, parameters })
    }
  }
  return found
}

class Scanner {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** Skips characters; returns whether text is left. */
  skip(characters: string): boolean {
    while (this.#at < this.#text.length && characters.includes(this.#text[this.#at]!)) this.#at++
    return this.#at < this.#text.length
  }

  at(character: string): boolean {
    return this.#text[this.#at] === character
  }

  token(): string {
    const start = this.#at
    while (this.#at < this.#text.length && !ENDS.has(this.#text[this.#at]!)) this.#at++
    return this.#text.slice(start, this.#at)
  }

  /** Reads a quoted string (RFC 9110 §5.6.4); one without an end goes to the end of the text. */
  quoted(): string {
    let value = ''
    for (this.#at++; this.#at < this.#text.length && !this.at('"'); this.#at++) {
      if (this.at('\\')) this.#at++
      value += this.#text[this.#at] ?? ''
    }
    this.#at++
    return value
  }
}
