/** The `authorization` field of digest authentication (RFC 7616 §3.4), for `qop=auth`. */

import { createHash, randomBytes } from 'node:crypto'
import type { Challenge } from './challenges.js'

/** Hash functions by the name of the algorithm, strongest first. */
const HASHES: ReadonlyMap<string, string> = new Map([
  ['sha-256', 'sha256'],
  ['md5', 'md5'],
])
const CNONCE_BYTES = 16

/** Credentials of one user. */
export interface User {
  readonly username: string
  readonly password: string
}

/** The values that the response of a digest is computed from. */
export interface DigestParts extends User {
  readonly hash: string
  readonly realm: string
  readonly nonce: string
  readonly nc: string
  readonly cnonce: string
  readonly method: string
  readonly uri: string
}

/** Returns the strongest challenge that can be answered, if any. */
export function strongestOf(challenges: readonly Challenge[]): Challenge | undefined {
  const answerable = challenges.filter(({ scheme, parameters }) => {
    const options = (parameters.get('qop') ?? '').toLowerCase().split(',')
    return scheme === 'digest' && parameters.has('nonce') && options.some((option) => option.trim() === 'auth')
  })
  for (const algorithm of HASHES.keys()) {
    const found = answerable.find((challenge) => algorithmOf(challenge) === algorithm)
    if (found !== undefined) return found
  }
  return undefined
}

/** Without the parameter the algorithm is MD5 (RFC 7616 §3.3). */
function algorithmOf({ parameters }: Challenge): string {
  return (parameters.get('algorithm') ?? 'MD5').toLowerCase()
}

/** Whether the server asks for the same credentials with a new nonce. */
export function isStale({ parameters }: Challenge): boolean {
  return parameters.get('stale')?.toLowerCase() === 'true'
}

/** Answers of one user to one challenge. Counts its nonce, for any number of requests. */
export class DigestSession {
  readonly #challenge: Challenge
  readonly #user: User
  #count = 0

  constructor(challenge: Challenge, user: User) {
    this.#challenge = challenge
    this.#user = user
  }

  /** Returns the value of `authorization` for one request. */
  field(method: string, url: string): string {
    const { parameters } = this.#challenge
    const [realm, nonce] = [parameters.get('realm') ?? '', parameters.get('nonce')!]
    const nc = (++this.#count).toString(16).padStart(8, '0')
    const cnonce = randomBytes(CNONCE_BYTES).toString('base64url')
    const uri = targetOf(url)
    const hash = HASHES.get(algorithmOf(this.#challenge))!
    const response = digestResponse({ ...this.#user, hash, realm, nonce, nc, cnonce, method, uri })
    const algorithm = parameters.get('algorithm')
    const opaque = parameters.get('opaque')
    const members = [
      nameMember(this.#user.username),
      `realm=${quote(realm)}`,
      `nonce=${quote(nonce)}`,
      `uri=${quote(uri)}`,
      ...(algorithm === undefined ? [] : [`algorithm=${algorithm}`]),
      'qop=auth',
      `nc=${nc}`,
      `cnonce=${quote(cnonce)}`,
      `response=${quote(response)}`,
      ...(opaque === undefined ? [] : [`opaque=${quote(opaque)}`]),
    ]
    return `Digest ${members.join(', ')}`
  }
}

/** Computes `response` (RFC 7616 §3.4.1). */
export function digestResponse(parts: DigestParts): string {
  const { hash, username, realm, password, nonce, nc, cnonce, method, uri } = parts
  const digest = (text: string): string => createHash(hash).update(text).digest('hex')
  const [secret, message] = [digest(`${username}:${realm}:${password}`), digest(`${method}:${uri}`)]
  return digest(`${secret}:${nonce}:${nc}:${cnonce}:auth:${message}`)
}

/** Returns path and query as they are sent, with an empty query, which `URL.search` drops. */
function targetOf(url: string): string {
  const { href, pathname, search, hash } = new URL(url)
  return search === '' && href.endsWith(`?${hash}`) ? `${pathname}?` : pathname + search
}

/** A name that is not ASCII is encoded (RFC 7616 §3.4, RFC 8187). */
function nameMember(username: string): string {
  if (/^[\x20-\x7e]*$/.test(username)) return `username=${quote(username)}`
  const encoded = encodeURIComponent(username).replace(/['()*]/g, (character) => `%${character.charCodeAt(0).toString(16)}`)
  return `username*=UTF-8''${encoded}`
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}
