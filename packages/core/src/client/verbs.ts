/** `client.get()`, `client.post()` and the like: short forms of `client.request()` that follow redirects. */

import { UsageError } from '../errors/errors.js'
import { encodeForm, encodeParts, type FormPart } from '../message/form-data.js'
import { linesOf } from '../message/made-response.js'
import { INTERNAL_MEMBERS } from '../message/request.js'
import { REQUEST_OPTIONS, type RequestOptions } from '../message/request-options.js'
import type { HttpResponse } from '../message/response.js'
import { invalidOption, ownOptions } from '../schema/option-checks.js'
import { namesOf, type OptionSchema, value } from '../schema/schema.js'

/** Options of a verb: those of a request, and short forms of a body, credentials and a query. */
export interface VerbOptions extends Omit<RequestOptions, 'method' | 'url'> {
  /** Sent as JSON, with `content-type: application/json`. */
  readonly json?: unknown
  /** Sent as `application/x-www-form-urlencoded`: names and values, lists repeat the name. */
  readonly form?: QueryInit
  /** Sent as `multipart/form-data`: a `FormData`, or parts with fields of their own. */
  readonly multipart?: FormData | readonly FormPart[]
  /** Basic credentials (RFC 7617), which are not sent to another origin after a redirect. */
  readonly auth?: Credentials
  /** Added to the query of the URL. */
  readonly searchParams?: QueryInit
}

/** Names and values. `undefined` values are omitted, and a list repeats the name. */
export type QueryInit =
  | URLSearchParams
  | Readonly<Record<string, string | number | boolean | undefined | readonly (string | number | boolean)[]>>

/** Credentials of `auth`. */
export interface Credentials {
  /** Without a colon. */
  readonly username: string
  readonly password: string
}

const { method: _method, url: _url, ...REQUEST_ROWS } = REQUEST_OPTIONS

/** Options of `client.get()` and the like. */
export const VERB_OPTIONS: OptionSchema<VerbOptions> = {
  ...REQUEST_ROWS,
  json: value('any value that JSON has'),
  form: value('`URLSearchParams`, a record'),
  multipart: value('`FormData`, a list of parts'),
  auth: value('`{ username, password }`'),
  searchParams: value('`URLSearchParams`, a record'),
}

const NAMES: ReadonlySet<string> = new Set([...namesOf(VERB_OPTIONS)].filter((name) => !INTERNAL_MEMBERS.has(name)))

type Mutable = { -readonly [Name in keyof RequestOptions]: RequestOptions[Name] }

/**
 * Converts the call of a verb to a request.
 * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`, `ERR_INVALID_BODY`, `ERR_INVALID_URL`.
 */
export function toRequest(method: string, url: string | URL, given: VerbOptions | undefined): RequestOptions {
  const own = ownOptions(given, NAMES, '', `client.${method.toLowerCase()}()`)
  const { json, form, multipart, auth, searchParams, ...rest } = own
  const request: Mutable = {
    redirect: 'follow',
    ...rest,
    method,
    url: searchParams === undefined ? url : withQuery(url, searchParams),
  }
  const bodies = [rest.body, json, form, multipart].filter((each) => each !== undefined)
  if (bodies.length > 1) throw new UsageError('ERR_INVALID_OPTION', 'only one of body, json, form and multipart can be set')
  if (json !== undefined) setBody(request, toJson(json), 'application/json')
  if (form !== undefined) setBody(request, toQuery(form, 'form').toString(), 'application/x-www-form-urlencoded')
  if (multipart !== undefined) setForm(request, multipart)
  if (auth !== undefined) setField(request, 'authorization', basic(auth))
  return request
}

function setBody(request: Mutable, body: NonNullable<RequestOptions['body']>, type: string): void {
  request.body = body
  setField(request, 'content-type', type)
}

function setForm(request: Mutable, multipart: NonNullable<VerbOptions['multipart']>): void {
  const isList = Array.isArray(multipart)
  if (!isList && typeof (multipart as FormData)?.getAll !== 'function') {
    throw invalidOption('multipart', 'a FormData or a list of parts', multipart)
  }
  const { body, type, length } = isList ? encodeParts(multipart) : encodeForm(multipart as FormData)
  setBody(request, body, type)
  if (length !== undefined) setField(request, 'content-length', String(length))
}

/** Sets a field unless the caller has. */
function setField(request: Mutable, name: string, text: string): void {
  const lines = request.headers === undefined ? [] : linesOf(request.headers)
  const pairs: [string, string][] = []
  for (let i = 0; i < lines.length; i += 2) pairs.push([lines[i]!, lines[i + 1]!])
  if (!pairs.some(([own]) => own === name)) pairs.push([name, text])
  request.headers = pairs
}

function toJson(json: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(json)
  } catch (cause) {
    throw new UsageError('ERR_INVALID_BODY', `json cannot be serialized: ${(cause as Error).message}`, { cause })
  }
  if (text === undefined) throw new UsageError('ERR_INVALID_BODY', `json cannot be serialized: it is of type ${typeof json}`)
  return text
}

function toQuery(init: QueryInit, name: string): URLSearchParams {
  if (init instanceof URLSearchParams) return init
  if (typeof init !== 'object' || init === null || Array.isArray(init))
    throw invalidOption(name, 'a URLSearchParams or a record', init)
  const query = new URLSearchParams()
  for (const [key, given] of Object.entries(init)) {
    for (const each of Array.isArray(given) ? given : [given])
      if (each !== undefined) query.append(key, scalar(each, `${name}.${key}`))
  }
  return query
}

function scalar(given: unknown, name: string): string {
  if (typeof given === 'string' || typeof given === 'number' || typeof given === 'boolean') return String(given)
  throw invalidOption(name, 'text, a number or a boolean', given)
}

function withQuery(url: string | URL, searchParams: QueryInit): string {
  const text = String(url)
  const added = toQuery(searchParams, 'searchParams').toString()
  if (added === '') return text
  const hash = text.indexOf('#')
  const [main, fragment] = hash === -1 ? [text, ''] : [text.slice(0, hash), text.slice(hash)]
  const joint = !main.includes('?') ? '?' : main.endsWith('?') || main.endsWith('&') ? '' : '&'
  return `${main}${joint}${added}${fragment}`
}

/** RFC 7617 §2: a colon would end the username; control characters are not allowed. */
function basic({ username, password }: Credentials): string {
  if (typeof username !== 'string' || typeof password !== 'string') {
    throw new UsageError('ERR_INVALID_OPTION', 'auth takes { username, password }, both as text')
  }
  if (username.includes(':')) throw new UsageError('ERR_INVALID_OPTION', 'auth.username must not contain a colon')
  for (const text of [username, password]) {
    for (const character of text) {
      if (character < ' ' || character === '\u007f')
        throw new UsageError('ERR_INVALID_OPTION', 'auth must not contain control characters')
    }
  }
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

/** The verbs of a client. All follow redirects unless `redirect` says otherwise, and reject as `request()` does. */
export abstract class Verbs {
  abstract request(options: RequestOptions): Promise<HttpResponse>

  /** Sends a GET request. */
  get(url: string | URL, options?: VerbOptions): Promise<HttpResponse> {
    return this.#send('GET', url, options)
  }

  /** Sends a HEAD request. */
  head(url: string | URL, options?: VerbOptions): Promise<HttpResponse> {
    return this.#send('HEAD', url, options)
  }

  /** Sends a POST request. */
  post(url: string | URL, options?: VerbOptions): Promise<HttpResponse> {
    return this.#send('POST', url, options)
  }

  /** Sends a PUT request. */
  put(url: string | URL, options?: VerbOptions): Promise<HttpResponse> {
    return this.#send('PUT', url, options)
  }

  /** Sends a PATCH request. */
  patch(url: string | URL, options?: VerbOptions): Promise<HttpResponse> {
    return this.#send('PATCH', url, options)
  }

  /** Sends a DELETE request. */
  delete(url: string | URL, options?: VerbOptions): Promise<HttpResponse> {
    return this.#send('DELETE', url, options)
  }

  /** Sends a QUERY request (RFC 10008): safe and idempotent, with content. */
  query(url: string | URL, options?: VerbOptions): Promise<HttpResponse> {
    return this.#send('QUERY', url, options)
  }

  async #send(method: string, url: string | URL, options: VerbOptions | undefined): Promise<HttpResponse> {
    return this.request(toRequest(method, url, options))
  }
}
