/** Parses the command line. */

import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { parseArgs } from 'node:util'
import { parseOrigin } from '@unshard/core'

/** Options of a command. */
export interface CommandOptions {
  /** Print one JSON object instead of text. */
  readonly json: boolean
  /** Send requests and compare the responses. */
  readonly send: boolean
  /** Path of those requests. */
  readonly path: string
  /** Fixed addresses of names, which are not resolved. */
  readonly resolve: ReadonlyMap<string, readonly string[]>
  /** Certificates of authorities in PEM, instead of Node's. */
  readonly ca: string | undefined
  readonly timeoutMs: number
}

/** The parsed command. Targets are origins for `probe`, URLs for `get`. */
export type ParsedCommand =
  | { readonly command: 'help' }
  | { readonly command: 'version' }
  | { readonly command: 'probe' | 'get'; readonly targets: readonly string[]; readonly options: CommandOptions }

/** The command line is invalid. */
export class ArgumentsError extends Error {}

export const USAGE = `usage: unshard probe <origin…> [--send] [--path PATH] [options]
       unshard get <url…> [options]

  probe   show which of these origins can share connections, and why the others cannot.
          --send requests each over the shared and over a dedicated connection and
          compares the responses. An origin without a scheme is https.
  get     fetch all URLs at once and show which connection carried each request.

  --send               send requests (probe)
  --path PATH          their path (probe; default /)
  --json               one JSON object on standard output
  --resolve HOST=ADDRESS[,ADDRESS…]
                       use these addresses for this host; may be repeated
  --cacert FILE        trust these authorities (PEM) instead of Node's
  --timeout SECONDS    for each connection and for each response (default 10)
  --help, --version

exit code: 0 all can share (get: all succeeded), 1 some cannot (get: some failed),
           2 wrong usage, or an origin cannot be reached`

const OPTIONS = {
  json: { type: 'boolean' },
  send: { type: 'boolean' },
  path: { type: 'string' },
  resolve: { type: 'string', multiple: true },
  cacert: { type: 'string' },
  timeout: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const

const DEFAULT_TIMEOUT_SECONDS = '10'
const MAX_TIMEOUT_SECONDS = 3_600

/** @throws ArgumentsError naming the invalid argument. */
export function parseArguments(argv: readonly string[]): ParsedCommand {
  const { values, positionals } = split(argv)
  if (values.help === true || positionals[0] === 'help') return { command: 'help' }
  if (values.version === true) return { command: 'version' }
  const [command, ...targets] = positionals
  if (command !== 'probe' && command !== 'get') {
    throw new ArgumentsError(command === undefined ? 'no command' : `unknown command ${JSON.stringify(command)}`)
  }
  if (targets.length === 0) throw new ArgumentsError(`${command} requires at least one ${command === 'probe' ? 'origin' : 'URL'}`)
  if (command === 'get' && (values.send === true || values.path !== undefined)) {
    throw new ArgumentsError('--send and --path are only valid for probe')
  }
  if (values.path?.startsWith('/') === false)
    throw new ArgumentsError(`--path must begin with a slash, not ${JSON.stringify(values.path)}`)
  const options: CommandOptions = {
    json: values.json === true,
    send: values.send === true,
    path: values.path ?? '/',
    resolve: new Map((values.resolve ?? []).map(parseResolve)),
    ca: values.cacert === undefined ? undefined : readAuthorities(values.cacert),
    timeoutMs: Math.max(1, Math.round(parseSeconds(values.timeout ?? DEFAULT_TIMEOUT_SECONDS) * 1_000)),
  }
  return { command, targets: command === 'probe' ? [...new Set(targets.map(originOf))] : targets.map(urlOf), options }
}

function split(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true })
  } catch (error) {
    throw new ArgumentsError((error as Error).message.split('. ')[0])
  }
}

function originOf(text: string): string {
  const url = withScheme(text)
  try {
    return parseOrigin(url).serialized
  } catch {
    throw new ArgumentsError(`${JSON.stringify(text)} is not a valid origin`)
  }
}

function urlOf(text: string): string {
  const url = withScheme(text)
  originOf(url)
  return url
}

function withScheme(text: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`
}

function parseResolve(text: string): [host: string, addresses: string[]] {
  const equals = text.indexOf('=')
  const addresses = text.slice(equals + 1).split(',')
  const host = equals < 1 ? undefined : hostOf(text.slice(0, equals))
  if (host === undefined || addresses.some((address) => isIP(address) === 0)) {
    throw new ArgumentsError(`--resolve takes HOST=ADDRESS[,ADDRESS…], not ${JSON.stringify(text)}`)
  }
  return [host, addresses]
}

/**
 * In the form of an origin's host: a name in another form, or with a port, would silently never
 * match.
 */
function hostOf(text: string): string | undefined {
  if (/[:/\\?#@%\s]/.test(text)) return undefined
  try {
    return parseOrigin(`https://${text}`).host
  } catch {
    return undefined
  }
}

function readAuthorities(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new ArgumentsError(`--cacert: ${(error as Error).message}`)
  }
}

function parseSeconds(text: string): number {
  const seconds = Number(text)
  if (text.trim() !== '' && seconds > 0 && seconds <= MAX_TIMEOUT_SECONDS) return seconds
  throw new ArgumentsError(`--timeout takes seconds, above 0 and at most ${MAX_TIMEOUT_SECONDS}, not ${JSON.stringify(text)}`)
}
