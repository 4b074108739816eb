/** The options of `unshard get`: those of curl, with its names, and a few for connections. */

import { type Command, Option } from 'commander'

/** Part of the content of a request, in the order of the command line. */
export interface DataPart {
  readonly kind: 'data' | 'raw' | 'binary' | 'urlencode' | 'json'
  readonly text: string
}

/** Where the content of a URL goes: a file, or the file that the URL names (`-O`). */
export type OutputChoice = { readonly file: string } | 'remote-name'

/** The values of one part of the command line: those up to `--next`. */
export interface GetValues {
  readonly urls: readonly string[]
  readonly data: readonly DataPart[]
  readonly outputs: readonly OutputChoice[]
  /** Files of `-T`, one for each URL. */
  readonly uploads: readonly string[]
  readonly request?: string
  readonly header?: readonly string[]
  readonly form?: readonly string[]
  readonly formString?: readonly string[]
  readonly user?: string
  readonly digest?: true
  readonly oauth2Bearer?: string
  readonly netrc?: true
  readonly userAgent?: string
  readonly referer?: string
  readonly cookie?: readonly string[]
  readonly range?: string
  readonly continueAt?: string
  readonly get?: true
  readonly urlQuery?: readonly string[]
  readonly head?: true
  /** Of one URL. */
  readonly uploadFile?: string
  readonly globoff?: true
  readonly remoteNameAll?: true
  readonly remoteHeaderName?: true
  readonly outputDir?: string
  readonly createDirs?: true
  readonly dumpHeader?: string
  readonly include?: true
  readonly fail?: true
  readonly failWithBody?: true
  readonly failEarly?: true
  readonly location?: true
  readonly maxRedirs: string
  readonly retry: string
  readonly retryDelay?: string
  readonly retryMaxTime?: string
  readonly retryAllErrors?: true
  readonly retryConnrefused?: true
  readonly compressed?: true
  readonly maxTime?: string
  readonly connectTimeout?: string
  readonly maxFilesize?: string
  readonly limitRate?: string
  readonly insecure?: true
  readonly cacert?: string
  readonly cert?: string
  readonly certType?: string
  readonly key?: string
  readonly pass?: string
  readonly pinnedpubkey?: string
  readonly 'tlsv1.2'?: true
  readonly 'tlsv1.3'?: true
  readonly tlsMax?: string
  readonly proxy?: string
  readonly proxyUser?: string
  readonly noproxy?: string
  readonly 'http1.1'?: true
  readonly http2?: true
  readonly http2PriorKnowledge?: true
  readonly ipv4?: true
  readonly ipv6?: true
  readonly interface?: string
  readonly resolve?: readonly string[]
  readonly connectTo?: readonly string[]
  readonly unixSocket?: string
  readonly protoDefault: string
  readonly parallel?: true
  readonly parallelMax: string
  readonly silent?: true
  readonly showError?: true
  readonly progressMeter: boolean
  readonly verbose?: true
  readonly trace?: string
  readonly traceAscii?: string
  readonly writeOut?: string
  readonly share: boolean
  readonly connections?: true
  readonly har?: string
  readonly report?: string
}

/** Options that the help shows; `--help all` shows the others too. */
const COMMON: readonly (readonly [flags: string, text: string])[] = [
  ['-X, --request <method>', 'request method'],
  ['-H, --header <line|@file>', 'add, replace or (Name:) remove a header'],
  ['-d, --data <data|@file>', 'send a form; @- is standard input'],
  ['--json <data|@file>', 'send JSON'],
  ['-F, --form <name=content>', 'send a multipart form; @file and <file'],
  ['-T, --upload-file <file>', 'send a file with PUT'],
  ['-u, --user <name:password>', 'credentials for the first host'],
  ['-o, --output <file>', 'write the body to a file'],
  ['-O, --remote-name', 'write it to a file named as in the URL'],
  ['-C, --continue-at <offset|->', 'continue a download; - finds the offset'],
  ['-r, --range <range>', 'bytes to request, such as 0-99'],
  ['-i, --include', 'also write the headers'],
  ['-I, --head', 'request and write the headers alone'],
  ['-L, --location', 'follow redirects'],
  ['-f, --fail', 'exit 22 for a status of 400 or more'],
  ['-k, --insecure', 'accept any certificate'],
  ['--cacert <file>', "trust these authorities (PEM) instead of Node's"],
  ['-x, --proxy <url>', 'proxy'],
  ['--compressed', 'request and decode compressed content'],
  ['-m, --max-time <seconds>', 'time for the whole transfer'],
  ['--retry <number>', 'retries after a transient failure'],
  ['-Z, --parallel', 'transfer all URLs at the same time'],
  ['-w, --write-out <format|@file>', 'print %{variables} after each transfer'],
  ['-s, --silent', 'no progress bar and no errors; -sS shows errors'],
  ['-v, --verbose', 'print the frames, or the lines of HTTP/1.1'],
  ['--connections', 'print which connection carried each URL'],
]

const FURTHER: readonly (readonly [flags: string, text: string])[] = [
  ['--url <url>', 'URL to transfer'],
  ['--data-raw <data>', 'as --data, without @'],
  ['--data-binary <data|@file>', 'as --data, without removing line ends'],
  ['--data-urlencode <data>', 'as --data, percent-encoded: name=content, name@file'],
  ['--form-string <name=text>', 'as --form, without @ and <'],
  ['-G, --get', 'send the data in the query of the URL'],
  ['--url-query <data>', 'add to the query, as --data-urlencode; +text as it is'],
  ['-A, --user-agent <text>', 'the header user-agent'],
  ['-e, --referer <url>', 'the header referer'],
  ['-b, --cookie <name=value>', 'the header cookie'],
  ['--digest', 'use Digest for --user'],
  ['--oauth2-bearer <token>', 'credentials for the first host'],
  ['-n, --netrc', 'take credentials from ~/.netrc'],
  ['-g, --globoff', 'take {} and [] in URLs as they are'],
  ['--remote-name-all', 'as -O for every URL without -o'],
  ['-J, --remote-header-name', 'with -O, the name of content-disposition'],
  ['--output-dir <folder>', 'folder for the files of -o and -O'],
  ['--create-dirs', 'create the folders of output files'],
  ['-D, --dump-header <file>', 'write the headers to a file; - is standard output'],
  ['--fail-with-body', 'as --fail, but write the body'],
  ['--fail-early', 'stop at the first failed transfer'],
  ['--max-redirs <number>', 'redirects to follow'],
  ['--retry-delay <seconds>', 'time between retries; else 1, 2, 4 … seconds'],
  ['--retry-max-time <seconds>', 'no retry after this time'],
  ['--retry-all-errors', 'retry after any failure'],
  ['--retry-connrefused', 'also retry if the connection was refused'],
  ['--connect-timeout <seconds>', 'time to connect'],
  ['--max-filesize <bytes>', 'refuse larger content'],
  ['--limit-rate <bytes>', 'bytes per second at most, such as 200k'],
  ['-E, --cert <file[:password]>', 'client certificate (PEM, or P12 by --cert-type)'],
  ['--cert-type <PEM|P12>', 'format of --cert'],
  ['--key <file>', 'key of --cert (PEM)'],
  ['--pass <password>', 'password of --key or --cert'],
  ['--pinnedpubkey <pins>', 'public keys: sha256//…;sha256//…'],
  ['--tlsv1.2', 'TLS 1.2 or later'],
  ['--tlsv1.3', 'TLS 1.3 or later'],
  ['--tls-max <1.2|1.3>', 'latest version of TLS'],
  ['-U, --proxy-user <name:password>', 'credentials for the proxy'],
  ['--noproxy <hosts>', 'hosts without a proxy; * is all'],
  ['--http1.1', 'use HTTP/1.1 alone'],
  ['--http2', 'HTTP/2 if the server has it: the default'],
  ['--http2-prior-knowledge', 'use HTTP/2 alone, also without TLS'],
  ['-4, --ipv4', 'use IPv4 addresses alone'],
  ['-6, --ipv6', 'use IPv6 addresses alone'],
  ['--interface <address>', 'local address'],
  ['--resolve <host:port:address>', 'addresses of a host, by commas; * is every host'],
  ['--connect-to <h1:p1:h2:p2>', 'connect to h2:p2 for h1:p1'],
  ['--unix-socket <path>', 'connect to a Unix socket'],
  ['--proto-default <scheme>', 'scheme of URLs without one'],
  ['--parallel-max <number>', 'maximum number of transfers at the same time'],
  ['-S, --show-error', 'with -s, print errors'],
  ['--no-progress-meter', 'no progress bar'],
  ['--trace <file>', 'write all bytes as hexadecimal; - is standard output'],
  ['--trace-ascii <file>', 'write all bytes as text'],
  ['--no-share', 'one connection for each host'],
  ['--har <file>', 'record the requests: see unshard har'],
  ['--report <file>', 'write a page with a waterfall of the requests'],
  ['-:, --next', 'begin again with other options and URLs'],
]

/** Options that may be given more than once. */
const LISTS = new Set(['header', 'form', 'formString', 'cookie', 'urlQuery', 'resolve', 'connectTo'])
const DEFAULTS: Readonly<Record<string, string>> = {
  maxRedirs: '50',
  retry: '0',
  protoDefault: 'http',
  parallelMax: '50',
}
const DATA: Readonly<Record<string, DataPart['kind']>> = {
  data: 'data',
  'data-raw': 'raw',
  'data-binary': 'binary',
  'data-urlencode': 'urlencode',
  json: 'json',
}

/** Adds the options to a command. */
export function addOptions(command: Command): Command {
  for (const [flags, text] of COMMON) command.addOption(optionOf(flags, text))
  for (const [flags, text] of FURTHER) command.addOption(optionOf(flags, text).hideHelp())
  return command
}

function optionOf(flags: string, text: string): Option {
  const option = new Option(flags, text)
  const name = option.attributeName()
  if (DEFAULTS[name] !== undefined) option.default(DEFAULTS[name])
  if (LISTS.has(name)) option.argParser((value: string, before: readonly string[] = []) => [...before, value])
  return option
}

/**
 * Parses one part of the command line, which the whole command has accepted.
 * @param command new, with {@link addOptions}.
 */
export function valuesOf(command: Command, argv: readonly string[]): GetValues {
  const data: DataPart[] = []
  const outputs: OutputChoice[] = []
  const uploads: string[] = []
  for (const [name, kind] of Object.entries(DATA)) command.on(`option:${name}`, (text: string) => data.push({ kind, text }))
  command.on('option:output', (file: string) => outputs.push({ file }))
  command.on('option:remote-name', () => outputs.push('remote-name'))
  command.on('option:upload-file', (file: string) => uploads.push(file))
  command.parseOptions([...argv])
  return { ...command.opts(), urls: urlsOf(argv, command.options), data, outputs, uploads }
}

/** Splits a command line at `--next`, which may also be the value of another option. */
export function splitAtNext(argv: readonly string[], options: readonly Option[]): readonly (readonly string[])[] {
  const parts: string[][] = [[]]
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at]!
    if (argument === '--') {
      parts.at(-1)!.push(...argv.slice(at))
      break
    }
    if (argument === '--next' || argument === '-:') {
      parts.push([])
      continue
    }
    parts.at(-1)!.push(argument)
    if (takesNext(argument, options) && at + 1 < argv.length) parts.at(-1)!.push(argv[++at]!)
  }
  return parts
}

/** The URLs in the order of the command line: arguments, and values of `--url`. */
function urlsOf(argv: readonly string[], options: readonly Option[]): string[] {
  const urls: string[] = []
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at]!
    if (argument === '--') return [...urls, ...argv.slice(at + 1)]
    if (argument === '--url') urls.push(argv[++at]!)
    else if (argument.startsWith('--url=')) urls.push(argument.slice(6))
    else if (!argument.startsWith('-') || argument === '-') urls.push(argument)
    else if (takesNext(argument, options)) at++
  }
  return urls
}

/** Whether the next argument is the value of an option at the end of this one. */
function takesNext(argument: string, options: readonly Option[]): boolean {
  if (argument.startsWith('--')) return options.some(({ long, required }) => required && long === argument)
  if (!argument.startsWith('-')) return false
  for (let at = 1; at < argument.length; at++) {
    const option = options.find(({ short }) => short === `-${argument[at]}`)
    if (option?.required === true) return at === argument.length - 1
  }
  return false
}
