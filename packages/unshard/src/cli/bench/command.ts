/** The command `unshard bench`. */

import { type Command, Option } from 'commander'
import { colorsOf } from '../colors.js'
import { type ConnectingValues, connectingOf, withConnecting } from '../connecting.js'
import { invalidValue } from '../errors.js'
import { jsonForTerminal } from '../terminal.js'
import { collected, fileOf, integerOf, millisecondsOf, urlOf } from '../values.js'
import type { BenchOptions } from './options.js'

/** Values of the command line. */
export interface BenchValues extends ConnectingValues {
  readonly connections?: string
  readonly concurrency: string
  readonly requests?: string
  readonly duration?: string
  readonly rate?: string
  readonly request?: string
  readonly header: readonly string[]
  readonly data: readonly string[]
  readonly 'http1.1'?: boolean
  readonly http2PriorKnowledge?: boolean
  readonly insecure?: boolean
  readonly json?: boolean
}

const EXIT_CODES = `
exit code: 0 each request got a response, whatever its status
           1 a request got none
           2 wrong usage
           130 ended by Ctrl-C, which prints what was measured`

const MOST = 1_000_000
const DEFAULT_DURATION_MS = 5_000

/** Adds the command. */
export function addBench(program: Command, finish: (exitCode: number) => void): void {
  const command = program
    .command('bench')
    .summary('measure how fast a server answers')
    .description(
      'Send requests to <url> and print rate, latencies and connections.\nA fixed number is in flight; the next one starts when one ends.',
    )
    .argument('<url>', 'without a scheme, https')
    .option('--connections <n>', 'open this many connections (HTTP/2: 1, HTTP/1.1: up to 6)')
    .option('-c, --concurrency <n>', 'requests in flight', '100')
    .option('-n, --requests <n>', 'stop after this many requests')
    .option('--duration <seconds>', 'stop after this time (5, unless -n is given)')
    .option('--rate <n>', 'requests per second at most; latency then counts from the time a request is due')
    .option('-X, --request <method>', 'method (GET; with -d, POST)')
    .option('-H, --header <name: value>', 'send this field; may be repeated', collected, [])
    .option('-d, --data <data>', 'send this content, or that of @file', collected, [])
    .addOption(new Option('--http1.1', 'use HTTP/1.1').conflicts('http2PriorKnowledge'))
    .option('--http2-prior-knowledge', 'use HTTP/2 only, without TLS too')
    .option('-k, --insecure', 'accept any certificate')
    .option('--json', 'print one JSON object')
  withConnecting(command)
    .addHelpText('after', EXIT_CODES)
    .action(async (url: string, values: BenchValues) => {
      const options = optionsOf(url, values)
      const [{ bench }, { printBench }] = await Promise.all([import('./bench.js'), import('./print-bench.js')])
      const interruption = new AbortController()
      const interrupt = (): void => interruption.abort()
      process.once('SIGINT', interrupt)
      try {
        const report = await bench(options, interruption.signal)
        console.log(values.json === true ? jsonForTerminal(report) : printBench(report, colorsOf(process.stdout)))
        finish(report.exitCode)
      } finally {
        process.off('SIGINT', interrupt)
      }
    })
}

/** Checks the values of the command line. @throws CommandError. */
export function optionsOf(url: string, values: BenchValues): BenchOptions {
  const { connections, requests, duration, rate, request, data, insecure = false } = values
  const body = data.length === 0 ? undefined : bodyOf(data)
  const headers = values.header.map(parseHeader)
  const isTyped = headers.some(([name]) => name.toLowerCase() === 'content-type')
  const whole = (option: string, text: string | undefined): number | undefined =>
    text === undefined ? undefined : integerOf(option, text, 1, MOST)
  return {
    ...connectingOf(values),
    url: urlOf(url),
    method: request ?? (body === undefined ? 'GET' : 'POST'),
    headers: body === undefined || isTyped ? headers : [...headers, ['content-type', 'application/x-www-form-urlencoded']],
    body,
    connections: whole('--connections', connections),
    concurrency: integerOf('--concurrency', values.concurrency, 1, MOST),
    requests: requests === undefined ? undefined : integerOf('--requests', requests, 1, Number.MAX_SAFE_INTEGER),
    durationMs: durationOf(duration, requests),
    rate: rate === undefined ? undefined : rateOf(rate),
    protocol: values['http1.1'] === true ? 'http/1.1' : values.http2PriorKnowledge === true ? 'h2' : undefined,
    insecure,
  }
}

function durationOf(text: string | undefined, requests: string | undefined): number | undefined {
  if (text === undefined) return requests === undefined ? DEFAULT_DURATION_MS : undefined
  const durationMs = millisecondsOf('--duration', text)
  if (durationMs === 0) throw invalidValue('--duration', 'seconds above 0', text)
  return durationMs
}

function rateOf(text: string): number {
  const rate = Number(text)
  if (text.trim() !== '' && rate > 0 && rate <= MOST) return rate
  throw invalidValue('--rate', `a number above 0, at most ${MOST}`, text)
}

function parseHeader(text: string): readonly [name: string, value: string] {
  const colon = text.indexOf(':')
  if (colon < 1) throw invalidValue('--header', '"NAME: VALUE"', text)
  return [text.slice(0, colon).trim(), text.slice(colon + 1).trim()]
}

/** Contents are joined by `&`, as in curl. A file is sent as it is. */
function bodyOf(data: readonly string[]): Uint8Array {
  const parts = data.map((each) => (each.startsWith('@') ? fileOf('--data', each.slice(1)) : Buffer.from(each)))
  return Buffer.concat(parts.flatMap((part, i) => (i === 0 ? [part] : [Buffer.from('&'), part])))
}
