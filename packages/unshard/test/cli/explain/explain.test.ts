/** `unshard explain`, run as a process against servers that share and that do not. */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { OriginServer } from '@unshard/testkit'
import { NO_COLORS } from '../../../src/cli/colors.js'
import type { ExplainReport } from '../../../src/cli/explain/explain.js'
import { printExplain } from '../../../src/cli/explain/print-explain.js'
import { SENTENCES, sentenceOf } from '../../../src/cli/explain/sentences.js'
import { commandFixture } from '../fixture.js'
import { failureOf } from '../in-process.js'

const { server, unshardAt, environment } = commandFixture()
const HOSTS = { 'a.test.example': '127.0.0.1', 'b.test.example': '127.0.0.1', 'c.test.example': '127.0.0.2' }
const originsOf = ({ port }: OriginServer): [string, string, string] => [
  `https://a.test.example:${port}`,
  `https://b.test.example:${port}`,
  `https://c.test.example:${port}`,
]

async function explained(...args: string[]): Promise<{ code: number; report: ExplainReport }> {
  const { code, stdout, stderr } = await unshardAt(HOSTS, 'explain', '--json', ...args)
  if (stdout === '') throw new Error(stderr)
  return { code, report: JSON.parse(stdout) as ExplainReport }
}

it('a connection of another origin that may be used: its number, its verdict, and the reason in a sentence', async () => {
  const started = await server()
  const [a, b] = originsOf(started)
  const { code, report } = await explained(`${b}/some/path`, a)
  const reason = { because: 'address-and-certificate', sentence: SENTENCES['address-and-certificate'] }
  const { id } = report.connection!
  expect(code).toBe(0)
  expect(report).toEqual({
    ...{ origin: b, addresses: ['127.0.0.1'], action: 'use', ...reason },
    connection: { id, protocol: 'h2', remoteAddress: '127.0.0.1' },
    candidates: [{ connection: id, origin: a, addresses: ['127.0.0.1'], verdict: 'use', ...reason }],
    warmed: [{ origin: a, connection: id }],
    exitCode: 0,
  })
  expect(started.connections).toBe(1)
  expect(started.requests).toEqual([])
})

it('connections that may not be used: a dial, and the reason of each with the names of both origins', async () => {
  const other = await environment.authority.issue({ names: ['b.test.example'] })
  const started = await server({ names: ['a.test.example'], sni: { 'b.test.example': other } })
  const [a, b, c] = originsOf(started)
  const { code, report } = await explained(c, a, b)
  expect(code).toBe(0)
  expect([report.action, report.connection]).toEqual(['dial', undefined])
  expect(report.candidates.map(({ origin, verdict, because }) => [origin, verdict, because])).toEqual([
    [a, 'refuse', 'certificate-does-not-cover-host'],
    [b, 'refuse', 'certificate-does-not-cover-host'],
  ])
  expect(report.candidates[0]!.sentence).toBe(`${c} is not in the subjectAltName, or your own check (such as pins) refused it.`)
})

it('without other URLs, a request dials, because no connection is open; nothing is connected', async () => {
  const started = await server()
  const [a] = originsOf(started)
  const { code, stdout } = await unshardAt(HOSTS, 'explain', a)
  expect([code, stdout]).toEqual([
    0,
    `${a}\n  addresses  127.0.0.1\n  action     dial a new connection\n  because    first-connection: No connection was open.\n`,
  ])
  expect(started.connections).toBe(0)
})

it('the text report has the addresses, the action, and each candidate', async () => {
  const [a, b] = originsOf(await server())
  const { stdout } = await unshardAt(HOSTS, 'explain', b, a)
  const reason = `address-and-certificate: ${SENTENCES['address-and-certificate']}`
  const number = /use connection (\d+)/.exec(stdout)?.[1]
  expect(stdout).toBe(
    `${[
      b,
      '  addresses  127.0.0.1',
      `  action     use connection ${number} of ${a}, h2`,
      `  because    ${reason}`,
      '',
      `connection ${number} of ${a}`,
      '  addresses  127.0.0.1',
      '  verdict    use',
      `  because    ${reason}`,
    ].join('\n')}\n`,
  )
})

it('an origin that cannot be reached: exit code 2, and the request is still explained', async () => {
  const started = await server()
  const [a, b, c] = originsOf(started)
  const { code, report } = await explained(b, a, c)
  expect(code).toBe(2)
  expect(report).toMatchObject({ action: 'use', warmed: [{ origin: a }, { origin: c, error: { code: 'ECONNREFUSED' } }] })
  expect((await unshardAt(HOSTS, 'explain', b, c)).stdout).toContain(`\n${c} could not be reached\n  ECONNREFUSED: `)
})

it('a connection that does not complete fails after --timeout', async () => {
  const { report } = await explained('a.test.example', 'https://192.0.2.1', '--timeout', '0.001')
  expect(report.warmed[0]!.error).toBeDefined()
})

it.each([
  [['explain'], "missing required argument 'url'"],
  [['explain', 'ftp://a.example'], '"ftp://a.example" is not a valid origin'],
  [['explain', 'a.example', 'https://'], '"https://" is not a valid origin'],
  [['explain', 'a.example', '--timeout', '0'], '--timeout takes seconds above 0, not "0"'],
  [['explain', 'a.example', '--cacert', '/nowhere/ca.pem'], '--cacert: ENOENT'],
])('%j is refused in one line, with a hint at --help', async (argv, message) => {
  const { exitCode, lines } = await failureOf(argv)
  expect(lines[0]).toContain(`unshard: ${message}`)
  expect(lines[1]).toBe('Try "unshard explain --help".')
  expect([exitCode, lines.length]).toEqual([2, 2])
})

it('a host that does not resolve is one line, exit code 2', async () => {
  const { exitCode, lines } = await failureOf(['explain', 'does-not-exist.invalid'])
  expect([exitCode, lines[0]]).toEqual([2, expect.stringContaining('does-not-exist.invalid')])
})

it('the sentences are those of docs/reference/reasons.md', () => {
  const page = readFileSync(fileURLToPath(new URL('../../../../../docs/reference/reasons.md', import.meta.url)), 'utf8')
  const rows = [...page.matchAll(/^\| (?:[\d, ]+ )?`([a-z0-9-]+)` \| (.*?) \|/gm)].map(([, name, text]) => [
    name,
    text!.replaceAll('`', '').replace(/\[(.*?)\]\(.*?\)/g, '$1'),
  ])
  expect(Object.keys(SENTENCES).map((name) => [name, sentenceOf(name, 'A', 'B')])).toEqual(rows)
  expect(sentenceOf('my-own-reason', 'A', 'B')).toBeUndefined()
  expect(sentenceOf('toString', 'A', 'B')).toBeUndefined()
})

it('a pending dial, an unknown reason, and hostile text are one line each', () => {
  const hostile = 'x\u001b[31m\nforged'
  const candidate = {
    connection: undefined,
    origin: hostile,
    addresses: [],
    verdict: 'wait' as const,
    because: hostile,
    sentence: undefined,
  }
  const text = printExplain(
    {
      ...{ origin: hostile, addresses: [], action: 'wait', because: hostile, sentence: undefined, connection: undefined },
      candidates: [candidate],
      warmed: [{ origin: 'https://a.example', connection: undefined, error: { code: hostile, message: hostile } }],
      exitCode: 2,
    },
    NO_COLORS,
  )
  expect(text).toContain('  action     wait for a pending dial\n')
  expect(text).toContain('\npending dial of x\\u001b[31m\\u000aforged\n  addresses  not known\n  verdict    wait\n')
  expect(text).not.toContain('\u001b')
})
