/** `unshard har`: files of recordHar(), files of browsers, and hostile ones. */

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { recordHar } from '../../../src/har/index.js'
import { createClient } from '../../../src/index.js'
import { commandFixture, main, type Ran, runFolder } from '../fixture.js'
import { failureOf, ranInProcess } from '../in-process.js'

const { server, unshard, environment } = commandFixture()

const START = Date.parse('2026-01-02T03:04:05.000Z')

/** An entry as unshard writes it. */
function entry(atMs: number, url: string, more: object = {}, response: object = {}): object {
  return {
    startedDateTime: new Date(START + atMs).toISOString(),
    time: 12.34,
    request: { method: 'GET', url, httpVersion: 'h2' },
    response: {
      status: 200,
      httpVersion: 'h2',
      content: { size: 5 },
      bodySize: 5,
      headersSize: -1,
      _transferSize: 5,
      ...response,
    },
    ...{ serverIPAddress: '192.0.2.1', connection: '1', _connectionId: '1', _coalesced: false, _because: 'first-connection' },
    ...more,
  }
}

const ENTRIES = [
  entry(0, 'https://a.example/one'),
  entry(
    1_500,
    'https://b.example/two',
    { time: 900, _coalesced: true, _because: 'address-and-certificate' },
    { status: 404, _transferSize: 2_000 },
  ),
  entry(
    20,
    'https://c.example/three',
    { connection: '2', _connectionId: '2', serverIPAddress: '192.0.2.2', time: 3 },
    { status: 503 },
  ),
  entry(
    30,
    'https://d.example/four',
    {
      connection: undefined,
      _connectionId: undefined,
      _coalesced: undefined,
      _because: undefined,
      _error: 'ECONNREFUSED: refused',
    },
    { status: 0, _transferSize: 0 },
  ),
]

async function har(content: string | Buffer | object, ...args: string[]): Promise<Ran> {
  const file = join(await runFolder(environment), 'recording.har')
  await writeFile(file, typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content))
  return ranInProcess(['har', file, ...args])
}

const recording = (entries: readonly unknown[]): object => ({ log: { version: '1.2', entries } })

it('one line for each entry, in the order of their start, and totals', async () => {
  const { code, stdout } = await har(recording(ENTRIES))
  expect(code).toBe(0)
  expect(stdout.split('\n')).toEqual([
    '   start  method  url                      status    bytes     time  conn  use',
    '+0.00 ms  GET     https://a.example/one       200      5 B  12.3 ms     1  own first-connection',
    '+20.0 ms  GET     https://c.example/three     503      5 B  3.00 ms     2  own first-connection',
    '+30.0 ms  GET     https://d.example/four     none      0 B  12.3 ms     -  ECONNREFUSED: refused',
    ' +1.50 s  GET     https://b.example/two       404  2.00 kB   900 ms     1  shared address-and-certificate',
    '',
    '4 requests, 1 failed, 2 connections, 1 on a shared connection, 2.01 kB, 2.40 s',
    '',
  ])
})

it('--by connection groups them under the owner, the address and the protocol of each', async () => {
  const { stdout } = await har(recording(ENTRIES), '--by', 'connection')
  const heads = stdout.split('\n').filter((line) => line.includes('connection') && !line.startsWith(' ') && !line.startsWith('+'))
  expect(heads).toEqual([
    'connection 1 of https://a.example, 192.0.2.1, h2, 2 requests',
    'connection 2 of https://c.example, 192.0.2.2, h2, 1 request',
    'no connection, 1 request',
    '4 requests, 1 failed, 2 connections, 1 on a shared connection, 2.01 kB, 2.40 s',
  ])
})

it.each([
  ['start', ['one', 'three', 'four', 'two']],
  ['duration', ['two', 'one', 'four', 'three']],
  ['size', ['two', 'one', 'three', 'four']],
  ['status', ['four', 'one', 'two', 'three']],
])('--sort %s', async (sort, paths) => {
  const { stdout } = await har(recording(ENTRIES), '--sort', sort)
  expect([...stdout.matchAll(/example\/(\w+)/g)].map(([, path]) => path)).toEqual(paths)
})

it.each([
  ['B.EXAMPLE', 1],
  ['503', 1],
  ['address-and', 1],
  ['econnrefused', 1],
  ['GET', 4],
  ['nothing', 0],
])('--filter %s keeps %d', async (text, kept) => {
  const { code, stdout } = await har(recording(ENTRIES), '--filter', text, '--json')
  const { entries, totals } = JSON.parse(stdout) as { entries: unknown[]; totals: { entries: number } }
  expect([code, entries.length, totals.entries]).toEqual([0, kept, kept])
})

it('--json has the entries and the totals', async () => {
  const { stdout } = await har(recording(ENTRIES.slice(1, 2)), '--json')
  expect(JSON.parse(stdout)).toEqual({
    entries: [
      {
        ...{ startMs: START + 1_500, method: 'GET', url: 'https://b.example/two', status: 404, bytes: 2_000, durationMs: 900 },
        ...{ protocol: 'h2', connection: '1', address: '192.0.2.1', shared: true, because: 'address-and-certificate' },
      },
    ],
    totals: { entries: 1, failed: 0, connections: 1, shared: 1, bytes: 2_000, durationMs: 900 },
  })
})

it('a recording of recordHar()', async () => {
  const started = await server()
  const client = createClient({
    tls: { ca: environment.authority.ca },
    lookup: (_host, _options, callback) => process.nextTick(() => callback(null, [{ address: '127.0.0.1', family: 4 }])),
  })
  const file = join(await runFolder(environment), 'own.har')
  const recorder = recordHar(client, file)
  for (const host of ['a', 'b']) await (await client.request({ url: `${started.url(`${host}.test.example`)}/bytes/7` })).bytes()
  await client.close()
  await recorder.stop()
  const { code, stdout } = await unshard('har', file)
  expect(code).toBe(0)
  const lines = stdout.split('\n')
  expect(lines[1]).toMatch(/a\.test\.example:\d+\/bytes\/7 +200 +7 B .* own first-connection$/)
  expect(lines[2]).toMatch(/b\.test\.example:\d+\/bytes\/7 +200 +7 B .* shared address-and-certificate$/)
  expect(lines[4]).toMatch(/^2 requests, 1 connection, 1 on a shared connection, 14 B, /)
})

it("a browser's recording: shared is known from numbered connections, not from ports", async () => {
  const chrome = (atMs: number, url: string, id: string): object => ({
    startedDateTime: new Date(START + atMs).toISOString(),
    time: 1,
    request: { method: 'GET', url },
    response: {
      status: 200,
      headersSize: 100,
      bodySize: 23,
      content: { size: 400 },
      _transferSize: null,
      httpVersion: 'HTTP/2.0',
    },
    connection: '443',
    ...(id !== '' && { _connectionId: id }),
  })
  const entries = [
    chrome(5, 'https://b.example/', '7'),
    chrome(0, 'https://a.example/', '7'),
    chrome(9, 'https://c.example/', ''),
  ]
  const { stdout } = await har(recording(entries), '--json')
  const lines = (JSON.parse(stdout) as { entries: object[] }).entries
  expect(lines).toMatchObject([
    { url: 'https://a.example/', shared: false, connection: '7', bytes: 123, protocol: 'HTTP/2.0' },
    { url: 'https://b.example/', shared: true },
    { url: 'https://c.example/', connection: '443' },
  ])
  expect(lines[2]).not.toHaveProperty('shared')
})

it('wrong members are unknown, and everything else is printed', async () => {
  const wrong = [
    null,
    7,
    'text',
    [],
    {},
    { request: null, response: [], startedDateTime: {}, time: 'long', connection: {} },
    { request: { method: 1, url: 2 }, response: { status: '200', content: null, bodySize: -1, _transferSize: 1e300 }, time: -1 },
    {
      startedDateTime: 'yesterday',
      request: { method: '', url: '' },
      connection: 3,
      _coalesced: 'yes',
      __proto__: { status: 1 },
    },
  ]
  const { code, stdout, stderr } = await har(recording([...wrong, ENTRIES[0]]))
  expect([code, stderr]).toEqual([0, ''])
  const lines = stdout.split('\n')
  expect(lines).toHaveLength(wrong.length + 5)
  expect(lines[2]!.replaceAll(/ +/g, ' ').trim()).toBe('- ? ? - - - - -')
  expect(lines.at(-2)).toMatch(/^9 requests, 2 connections, /)
})

it('text of a file never reaches the terminal raw, nor on a line of its own', async () => {
  const hostile = 'x\u001b[31m\u009b2J\u0007\r\u202e\nforged line'
  const all = entry(0, `https://a.example/${hostile}`, {
    ...{ connection: hostile, _connectionId: hostile, _because: hostile, _error: hostile, serverIPAddress: hostile },
    request: { method: hostile, url: `https://${hostile}/`, httpVersion: hostile },
  })
  for (const args of [[], ['--by', 'connection'], ['--json']]) {
    const { code, stdout } = await har(recording([all]), ...args)
    expect(code).toBe(0)
    expect(stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/)
    expect(stdout.split('\n').filter((line) => line.startsWith('forged'))).toEqual([])
  }
})

it('statuses are colored if FORCE_COLOR asks for it, and the text of the file still has no escape sequence', async () => {
  const file = join(await runFolder(environment), 'recording.har')
  await writeFile(file, JSON.stringify(recording([entry(0, 'https://a.example/\u001b[31mred', {}, { status: 500 })])))
  const env = { ...process.env, FORCE_COLOR: '1', NO_COLOR: undefined }
  const { stdout } = await promisify(execFile)(process.execPath, [main, 'har', file], { env })
  expect(stdout).toContain('\u001b[31m   500\u001b[39m')
  expect(stdout).toContain('https://a.example/\\u001b[31mred')
})

it('long URLs are shortened in the middle, and other long texts too', async () => {
  const long = `https://a.example/begin${'x'.repeat(100_000)}end`
  const { stdout } = await har(recording([entry(0, long, { _because: 'y'.repeat(1_000) })]))
  const [head, line] = stdout.split('\n') as [string, string]
  expect(line).toMatch(/https:\/\/a\.example….*x+end /)
  expect(line.length).toBeLessThan(170)
  expect(head).toMatch(/^ +start/)
})

it('an empty recording, and one with a byte order mark', async () => {
  const { code, stdout } = await har(Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from('{"log":{"entries":[]}}')]))
  expect(code).toBe(0)
  expect(stdout).toContain('0 requests, 0 connections, 0 on a shared connection, 0 B, 0.00 ms\n')
})

it.each([
  ['', 'is not valid JSON'],
  ['{"log":', 'is not valid JSON'],
  ['\u001b[31m', 'is not valid JSON'],
  ['null', 'is not a HAR: it has no list log.entries'],
  ['[]', 'is not a HAR: it has no list log.entries'],
  ['{"log":{"entries":{}}}', 'is not a HAR: it has no list log.entries'],
  [`${'['.repeat(200_000)}`, 'is not valid JSON'],
])('%.20j is refused in one line: exit code 2', async (content, message) => {
  const { code, stdout, stderr } = await har(content)
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr.split('\n')).toEqual([expect.stringContaining(message), 'Try "unshard har --help".', ''])
})

it.each([
  [['har'], "missing required argument 'file'"],
  [['har', '/nowhere/x.har'], 'har: ENOENT'],
  [['har', 'x.har', '--sort', 'name'], "'name' is invalid. Allowed choices are start, duration, size, status."],
  [['har', 'x.har', '--by', 'host'], "'host' is invalid. Allowed choices are connection."],
])('%j is refused in one line, with a hint at --help', async (argv, message) => {
  const { exitCode, lines } = await failureOf(argv)
  expect(lines[0]).toContain(message)
  expect(lines[1]).toBe('Try "unshard har --help".')
  expect([exitCode, lines.length]).toEqual([2, 2])
})

it('100 MB are read and printed; a reader that closes the pipe early is no error', async () => {
  const file = join(await runFolder(environment), 'large.har')
  const handle = await open(file, 'w')
  const content = { size: 10_000, text: 'x'.repeat(10_000) }
  await handle.write('{"log":{"entries":[')
  for (let i = 0; i < 10_000; i++) {
    await handle.write(`${i === 0 ? '' : ','}${JSON.stringify(entry(i, `https://a.example/${i}`, {}, { content }))}`)
  }
  await handle.write(']}}')
  await handle.close()
  const child = spawn(process.execPath, [main, 'har', file], { stdio: ['ignore', 'pipe', 'pipe'] })
  let stderr = ''
  child.stderr.on('data', (part: Buffer) => {
    stderr += String(part)
  })
  const [first] = (await once(child.stdout, 'data')) as [Buffer]
  child.stdout.destroy()
  const [code] = (await once(child, 'close')) as [number]
  expect(String(first)).toMatch(/^ +start {2}method/)
  expect([code, stderr]).toEqual([0, ''])
}, 60_000)
