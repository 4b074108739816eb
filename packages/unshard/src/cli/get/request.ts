/** The request of a URL: method, headers and content, as curl makes them from its options. */

import { createReadStream, fstatSync, openSync } from 'node:fs'
import { basename } from 'node:path'
import type { FormPart, RequestOptions } from '@unshard/core'
import { CommandError } from '../errors.js'
import { decoded, withoutUserInfo, withScheme } from '../values.js'
import { VERSION } from '../version.js'
import { cookieValue } from './cookies.js'
import { type DataContent, dataOf, urlEncoded } from './data.js'
import { Exit } from './exit-codes.js'
import { formPartsOf, formStringOf } from './form.js'
import { textOrFile } from './input.js'
import type { GetValues } from './options.js'

/** Content that the options of one part of the command line name; read once for all its URLs. */
export interface GivenContent {
  readonly data: DataContent | undefined
  readonly form: readonly FormPart[] | undefined
  /** Lines of `-H`; lines of files included. */
  readonly headers: readonly string[]
  /** The format of `--write-out`. */
  readonly format: string | undefined
}

/** The request of one URL. */
export interface UrlRequest {
  readonly url: URL
  readonly method: string
  /** Name, value. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer | undefined
  readonly multipart: readonly FormPart[] | undefined
  /** File to send: `-` is standard input. */
  readonly upload: string | undefined
  readonly credentials: Credentials | undefined
}

/** Credentials of the URL or of `--user`. */
export interface Credentials {
  readonly username: string
  readonly password: string
}

/** Reads the content that the options name. @throws CommandError. */
export function readContent({ data, form, formString, header, writeOut }: GetValues): GivenContent {
  const parts = [...(form ?? []).flatMap(formPartsOf), ...(formString ?? []).map(formStringOf)]
  return {
    data: dataOf(data),
    form: parts.length === 0 ? undefined : parts,
    format: writeOut === undefined ? undefined : textOrFile('--write-out', writeOut),
    headers: (header ?? []).flatMap((line) => (line.startsWith('@') ? linesOf(textOrFile('--header', line)) : [line])),
  }
}

/** Makes the request of one URL. @throws CommandError. */
export function requestOf(text: string, values: GetValues, content: GivenContent): UrlRequest {
  checkContent(values, content)
  const url = urlOf(text, values)
  const credentials = credentialsOf(url, values)
  url.username = ''
  url.password = ''
  const inQuery = values.get === true ? content.data?.content.toString() : undefined
  addQuery(url, [...(inQuery === undefined ? [] : [inQuery]), ...(values.urlQuery ?? []).map(queryOf)])
  const data = values.get === true ? undefined : content.data
  return {
    url,
    method: methodOf(values, data, content.form),
    headers: headersOf(values, url, data, content.headers),
    body: data?.content,
    multipart: content.form,
    upload: values.uploadFile,
    credentials,
  }
}

/** Content for a request of the client. */
export interface GivenBody {
  readonly body?: NonNullable<RequestOptions['body']>
  readonly multipart?: readonly FormPart[]
  /** In bytes, of a file. */
  readonly length?: number
}

/** Returns the options of the client for a request; opens the file to send. @throws CommandError. */
export function bodyOptions({ body, multipart, upload }: UrlRequest): GivenBody {
  if (multipart !== undefined) return { multipart }
  if (upload === undefined) return body === undefined ? {} : { body }
  if (upload === '-') return { body: process.stdin as unknown as GivenBody['body'] & {} }
  try {
    const fd = openSync(upload, 'r')
    const stats = fstatSync(fd)
    const body = createReadStream(upload, { fd }) as unknown as GivenBody['body'] & {}
    // A pipe has no size.
    return stats.isFile() ? { body, length: stats.size } : { body }
  } catch (error) {
    throw new CommandError(`--upload-file: ${(error as Error).message}`, Exit.READ)
  }
}

function checkContent(values: GetValues, { data, form }: GivenContent): void {
  const given = [
    data !== undefined && '--data',
    form !== undefined && '--form',
    values.uploadFile !== undefined && '--upload-file',
  ]
  const [first, second] = given.filter((name) => name !== false)
  if (second !== undefined) throw new CommandError(`${first} and ${second} cannot be used together`)
}

/** Reads a URL, to which curl adds a scheme; a message about it has no password. */
function urlOf(text: string, { protoDefault, uploadFile }: GetValues): URL {
  const whole = withScheme(text, protoDefault)
  const shown = JSON.stringify(withoutUserInfo(text))
  if (!URL.canParse(whole)) throw new CommandError(`${shown} is not a valid URL`, Exit.MALFORMED_URL)
  const url = new URL(whole)
  if (!['http:', 'https:', 'http+unix:', 'https+unix:'].includes(url.protocol)) {
    throw new CommandError(`the scheme of ${shown} is not supported: use http or https`, Exit.UNSUPPORTED_SCHEME)
  }
  // As in curl: the name of the file completes a URL that ends in a slash.
  if (uploadFile !== undefined && uploadFile !== '-' && url.pathname.endsWith('/'))
    url.pathname += encodeURIComponent(basename(uploadFile))
  return url
}

function credentialsOf(url: URL, { user }: GetValues): Credentials | undefined {
  if (user !== undefined) {
    const colon = user.indexOf(':')
    if (colon === -1) throw new CommandError('--user takes name:password; end it with a colon for an empty password')
    return { username: user.slice(0, colon), password: user.slice(colon + 1) }
  }
  if (url.username === '' && url.password === '') return undefined
  return { username: decoded(url.username), password: decoded(url.password) }
}

function addQuery(url: URL, parts: readonly string[]): void {
  if (parts.length === 0) return
  url.search = [...(url.search.length > 1 ? [url.search.slice(1)] : []), ...parts].join('&')
}

function queryOf(text: string): string {
  return text.startsWith('+') ? text.slice(1) : urlEncoded('--url-query', text)
}

function methodOf({ request, head, uploadFile }: GetValues, data: unknown, form: unknown): string {
  if (request !== undefined) return request
  if (head === true) return 'HEAD'
  if (uploadFile !== undefined) return 'PUT'
  return data === undefined && form === undefined ? 'GET' : 'POST'
}

function headersOf(
  values: GetValues,
  url: URL,
  data: DataContent | undefined,
  lines: readonly string[],
): [name: string, value: string][] {
  const { userAgent, referer, range, oauth2Bearer } = values
  const cookie = cookieValue(values.cookie ?? [], url)
  const type = data?.isJson === true ? 'application/json' : 'application/x-www-form-urlencoded'
  const headers: [string, string][] = [
    ['user-agent', userAgent ?? `unshard/${VERSION}`],
    ['accept', data?.isJson === true ? type : '*/*'],
    ...(data === undefined ? [] : [['content-type', type] satisfies [string, string]]),
    ...(referer === undefined ? [] : [['referer', referer] satisfies [string, string]]),
    ...(cookie === undefined ? [] : [['cookie', cookie] satisfies [string, string]]),
    ...(range === undefined ? [] : [['range', `bytes=${range}`] satisfies [string, string]]),
    ...(oauth2Bearer === undefined ? [] : [['authorization', `Bearer ${oauth2Bearer}`] satisfies [string, string]]),
  ]
  const given = lines.map(fieldOf)
  const own = headers.filter(([name, value]) => value !== '' && !given.some((field) => field.name === name))
  return [...own, ...given.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value] satisfies [string, string]]))]
}

/** Reads a line of `-H`: `Name: value` replaces ours, `Name:` removes it, `Name;` sends it empty. */
function fieldOf(line: string): { readonly name: string; readonly value: string | undefined } {
  const colon = line.indexOf(':')
  if (colon === -1 && line.trimEnd().endsWith(';')) return { name: line.trimEnd().slice(0, -1).toLowerCase(), value: '' }
  if (colon < 1) throw new CommandError(`--header takes "Name: value", "Name:" or "Name;", not ${JSON.stringify(line)}`)
  const value = line.slice(colon + 1).trim()
  return { name: line.slice(0, colon).toLowerCase(), value: value === '' ? undefined : value }
}

function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
    .filter((line) => line !== '' && !line.startsWith('#'))
}
