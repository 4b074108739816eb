/** `--write-out`: `%{variable}`, `%header{name}`, `%output{file}` and `\n`, as in curl. */

import type { TransferResult } from './transfer.js'

/** The transfer that the variables describe. */
export interface WrittenTransfer {
  readonly result: TransferResult
  /** As it is on the command line. */
  readonly url: string
  /** Complete, without user information. */
  readonly requested: URL
  readonly method: string
  /** Number of the URL on the command line, from 0. */
  readonly number: number
  readonly path: string | undefined
  /** Connections that were dialed for it. */
  readonly connects: number
}

/** A piece of text, and where it goes. */
export interface WrittenText {
  readonly to: 'stdout' | 'stderr' | { readonly file: string; readonly appends: boolean }
  readonly text: string
}

type Variable = (transfer: WrittenTransfer) => string | number

const seconds = (ms: number | undefined): string => ((ms ?? 0) / 1_000).toFixed(6)
const last = ({ result }: WrittenTransfer): TransferResult['hops'][number] | undefined => result.hops.at(-1)
const at =
  (pick: (timings: NonNullable<ReturnType<typeof last>>['timings']) => number): Variable =>
  (transfer) => {
    const hop = last(transfer)
    return seconds(hop === undefined ? 0 : transfer.result.lastStartMs + pick(hop.timings))
  }

/** The variables, by name. */
export const VARIABLES: Readonly<Record<string, Variable>> = {
  conn_id: (transfer) => last(transfer)?.connection.id ?? -1,
  content_type: (transfer) => headerOf(transfer, 'content-type') ?? '',
  errormsg: ({ result }) => result.message ?? '',
  exitcode: ({ result }) => result.exitCode,
  filename_effective: ({ path }) => path ?? '',
  header_json: (transfer) => JSON.stringify(headersOf(transfer)),
  http_code: (transfer) => `${last(transfer)?.status ?? 0}`.padStart(3, '0'),
  http_version: (transfer) => ({ h2: '2', 'http/1.1': '1.1', none: '0' })[last(transfer)?.protocol ?? 'none'],
  json: (transfer) => jsonOf(transfer),
  local_ip: (transfer) => last(transfer)?.connection.localAddress ?? '',
  local_port: (transfer) => last(transfer)?.connection.localPort ?? 0,
  method: ({ result, method }) => result.hops.at(-1)?.method ?? method,
  num_connects: ({ connects }) => connects,
  num_headers: (transfer) => last(transfer)?.headers.length ?? 0,
  num_redirects: (transfer) => redirectsOf(transfer),
  num_retries: ({ result }) => result.retries,
  redirect_url: (transfer) => redirectUrl(transfer),
  referer: () => '',
  remote_ip: (transfer) => last(transfer)?.connection.remoteAddress ?? '',
  remote_port: (transfer) => last(transfer)?.connection.remotePort ?? 0,
  response_code: (transfer) => `${last(transfer)?.status ?? 0}`.padStart(3, '0'),
  scheme: (transfer) => schemeOf(transfer),
  size_download: ({ result }) => result.downloaded,
  size_header: (transfer) => sizeOfHeads(transfer),
  size_upload: ({ result }) => result.uploaded,
  speed_download: ({ result }) => Math.round((result.downloaded / result.totalMs) * 1_000),
  speed_upload: ({ result }) => Math.round((result.uploaded / result.totalMs) * 1_000),
  ssl_verify_result: () => 0,
  time_appconnect: (transfer) =>
    schemeOf(transfer) === 'http' ? seconds(0) : at(({ dnsMs, connectMs, tlsMs }) => dnsMs + connectMs + tlsMs)(transfer),
  time_connect: at(({ dnsMs, connectMs }) => dnsMs + connectMs),
  time_namelookup: at(({ dnsMs }) => dnsMs),
  time_pretransfer: at(({ sentMs }) => sentMs),
  time_redirect: (transfer) => seconds(redirectsOf(transfer) === 0 ? 0 : transfer.result.lastStartMs),
  time_starttransfer: at(({ headersMs }) => headersMs),
  time_total: ({ result }) => seconds(result.totalMs),
  url: ({ url }) => url,
  url_effective: (transfer) => last(transfer)?.url ?? transfer.requested.href,
  urlnum: ({ number }) => number,
}

/** Fills in a format. Returns the pieces in order. */
export function writeOut(format: string, transfer: WrittenTransfer): WrittenText[] {
  const written: { to: WrittenText['to']; text: string }[] = [{ to: 'stdout', text: '' }]
  for (let position = 0; position < format.length; ) {
    const found = directiveAt(format, position)
    position += found.length
    if (found.kind === 'text') written.at(-1)!.text += found.text
    else if (found.kind === 'output') written.push({ to: found.to, text: '' })
    else if (found.kind === 'onerror') {
      if (transfer.result.exitCode === 0) break
    } else if (found.kind === 'header') written.at(-1)!.text += headerOf(transfer, found.text) ?? ''
    else {
      const variable = Object.hasOwn(VARIABLES, found.text) ? VARIABLES[found.text] : undefined
      written.at(-1)!.text += variable === undefined ? format.slice(position - found.length, position) : variable(transfer)
    }
  }
  return written.filter(({ text }) => text !== '')
}

type Directive =
  | { readonly kind: 'text' | 'variable' | 'header'; readonly text: string; readonly length: number }
  | { readonly kind: 'output'; readonly to: WrittenText['to']; readonly length: number }
  | { readonly kind: 'onerror'; readonly length: number }

const ESCAPES: Readonly<Record<string, string>> = { '\\n': '\n', '\\r': '\r', '\\t': '\t', '%%': '%' }

function directiveAt(format: string, start: number): Directive {
  const escaped = ESCAPES[format.slice(start, start + 2)]
  if (escaped !== undefined) return { kind: 'text', text: escaped, length: 2 }
  for (const [prefix, kind] of [
    ['%{', 'variable'],
    ['%header{', 'header'],
    ['%output{', 'output'],
  ] as const) {
    const end = format.startsWith(prefix, start) ? format.indexOf('}', start) : -1
    if (end === -1) continue
    const text = format.slice(start + prefix.length, end)
    const length = end + 1 - start
    if (kind === 'output') return { kind, to: { file: text.replace(/^>>/, ''), appends: text.startsWith('>>') }, length }
    if (kind === 'variable' && (text === 'stdout' || text === 'stderr')) return { kind: 'output', to: text, length }
    return kind === 'variable' && text === 'onerror' ? { kind: 'onerror', length } : { kind, text, length }
  }
  return { kind: 'text', text: format[start]!, length: 1 }
}

function headerOf(transfer: WrittenTransfer, name: string): string | undefined {
  return last(transfer)?.headers.find(([each]) => each === name.toLowerCase())?.[1]
}

function headersOf(transfer: WrittenTransfer): Record<string, string[]> {
  const fields: Record<string, string[]> = {}
  for (const [name, value] of last(transfer)?.headers ?? []) fields[name] = [...(fields[name] ?? []), value]
  return fields
}

function redirectsOf({ result }: WrittenTransfer): number {
  return Math.max(0, result.hops.length - 1 - result.retries)
}

/** The target of a redirect that was not followed. */
function redirectUrl(transfer: WrittenTransfer): string {
  const hop = last(transfer)
  const location = headerOf(transfer, 'location')
  if (hop === undefined || location === undefined || hop.status < 300 || hop.status > 399) return ''
  return URL.canParse(location, hop.url) ? new URL(location, hop.url).href : location
}

function schemeOf(transfer: WrittenTransfer): string {
  return new URL(last(transfer)?.url ?? transfer.requested.href).protocol.slice(0, -1)
}

function sizeOfHeads({ result }: WrittenTransfer): number {
  const sizeOf = (hop: TransferResult['hops'][number]): number =>
    hop.headers.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 15)
  return result.hops.reduce((sum, hop) => sum + sizeOf(hop), 0)
}

/** All variables, except those for JSON. */
function jsonOf(transfer: WrittenTransfer): string {
  const names = Object.keys(VARIABLES).filter((name) => name !== 'json' && name !== 'header_json')
  return JSON.stringify(Object.fromEntries(names.map((name) => [name, numberOrText(VARIABLES[name]!(transfer))])))
}

/** Times and codes are numbers in JSON. */
function numberOrText(value: string | number): string | number {
  return typeof value === 'string' && /^[0-9]{1,9}(?:\.[0-9]{6})?$/.test(value) ? Number(value) : value
}
