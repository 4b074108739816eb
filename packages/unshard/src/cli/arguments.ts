/** The command line: what was asked for, or what is wrong with it. */

import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { parseArgs } from 'node:util'
import { parseOrigin } from '@unshard/core'

/** How a command goes about it. */
export interface CommandOptions {
  /** One JSON object instead of text. */
  readonly json: boolean
  /** Sends requests, and compares the answers. */
  readonly send: boolean
  /** The path of those requests. */
  readonly path: string
  /** Addresses of names that are not to be resolved. */
  readonly resolve: ReadonlyMap<string, readonly string[]>
  /** Certificates of authorities, PEM, in place of Node's. */
  readonly ca: string | undefined
  readonly timeoutMs: number
}

/** What was asked for. Targets are origins for `probe`, URLs for `get`. */
export type Asked =
  | { readonly command: 'help' }
  | { readonly command: 'version' }
  | { readonly command: 'probe' | 'get'; readonly targets: readonly string[]; readonly options: CommandOptions }

/** Something is wrong with the command line. */
export class ArgumentsError extends Error {}

export const USAGE = `usage: unshard probe <origin…> [--send] [--path PATH] [options]
       unshard get <url…> [options]

  probe   which of these origins can share connections, and why not; --send asks each over
          the shared connection and over its own, and compares. An origin without a scheme is https.
  get     fetches all at once, and says which connection carried what.

  --send               send requests (probe)
  --path PATH          their path (probe; default /)
  --json               one JSON object on standard output
  --resolve HOST=ADDRESS[,ADDRESS…]
                       these addresses for this host; may be repeated
  --cacert FILE        trust these authorities (PEM) in place of Node's
  --timeout SECONDS    for each connection, and for each answer (default 10)
  --help, --version

exit code: 0 all can share (get: all were answered), 1 some cannot (get: some were not answered),
           2 wrong usage, or an origin that cannot be reached`

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

/** @throws ArgumentsError naming what it does not understand. */
export function parseArguments(argv: readonly string[]): Asked {
  const { values, positionals } = split(argv)
  if (values.help === true || positionals[0] === 'help') return { command: 'help' }
  if (values.version === true) return { command: 'version' }
  const [command, ...targets] = positionals
  if (command !== 'probe' && command !== 'get') {
    throw new ArgumentsError(command === undefined ? 'no command' : `unknown command ${JSON.stringify(command)}`)
  }
  if (targets.length === 0)
    throw new ArgumentsError(`${command} takes one ${command === 'probe' ? 'origin' : 'URL'} at the least`)
  if (command === 'get' && (values.send === true || values.path !== undefined)) {
    throw new ArgumentsError('--send and --path are options of probe')
  }
  if (values.path?.startsWith('/') === false)
    throw new ArgumentsError(`--path begins with a slash, unlike ${JSON.stringify(values.path)}`)
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
    throw new ArgumentsError(`${JSON.stringify(text)} is no origin`)
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

/** As origins have it: a name in another form, or with a port, would never be asked for, in silence. */
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
