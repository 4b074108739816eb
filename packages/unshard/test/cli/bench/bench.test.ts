/** `unshard bench`, run as a process against local servers. No assertion is about speed. */

import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BenchReport } from '../../../src/cli/bench/bench.js'
import { commandFixture, main, runFolder } from '../fixture.js'

const { server, unshard, unshardAt, environment } = commandFixture()
const HOSTS = { 'a.test.example': '127.0.0.1' }

async function measured(...args: string[]): Promise<{ code: number; report: BenchReport }> {
  const { code, stdout, stderr } = await unshardAt(HOSTS, 'bench', '--json', ...args)
  if (stdout === '') throw new Error(stderr)
  return { code, report: JSON.parse(stdout) as BenchReport }
}

it('counts requests, bytes, statuses, latencies, connections and handshakes', async () => {
  const started = await server()
  const url = `${started.url('a.test.example')}/bytes/1000`
  const { code, report } = await measured(url, '-n', '50', '-c', '7')
  expect(code).toBe(0)
  expect(started.requests).toHaveLength(50)
  expect(started.connections).toBe(1)
  expect(report).toMatchObject({
    ...{ method: 'GET', url, protocols: ['h2'], requests: 50, failed: 0, bytes: 50_000 },
    ...{ statuses: { 200: 50 }, errors: {}, connections: 1, handshakes: 1, resumed: 0, replayed: 0 },
    ...{ interrupted: false, exitCode: 0 },
  })
  const { p50, p90, p99, p999, max } = report.latencyMs!
  expect([p50, p90, p99, p999, max]).toEqual([p50, p90, p99, p999, max].sort((a, b) => a - b))
  expect(p50).toBeGreaterThan(0)
  expect(report.requestsPerSecond).toBeCloseTo(50 / report.seconds)
})

it('at most --concurrency requests are in flight', async () => {
  let open = 0
  let most = 0
  const started = await server({
    handler: (_request, response) => {
      most = Math.max(most, ++open)
      setImmediate(() => {
        open--
        response.end()
      })
    },
  })
  await measured(started.url('a.test.example'), '--requests', '30', '--concurrency', '3')
  expect([started.requests.length, most <= 3]).toEqual([30, true])
})

it('--connections opens as many', async () => {
  const started = await server({
    handler: (_request, response) => {
      // Responses wait until all connections are open.
      const timer = setInterval(() => {
        if (started.handshakes < 3) return
        clearInterval(timer)
        response.end()
      }, 5)
    },
  })
  const { report } = await measured(started.url('a.test.example'), '-n', '60', '--connections', '3')
  expect([report.connections, started.connections, report.handshakes]).toEqual([3, 3, 3])
})

it('--duration ends the measurement, after the requests in flight', async () => {
  const { code, report } = await measured((await server()).url('a.test.example'), '--duration', '0.3', '-c', '2')
  expect([code, report.statuses[200]]).toEqual([0, report.requests])
  expect(report.seconds).toBeGreaterThan(0)
})

it('--rate starts no request before it is due', async () => {
  const { code, report } = await measured((await server()).url('a.test.example'), '-n', '20', '--rate', '200', '-c', '5')
  expect([code, report.requests, report.rate]).toEqual([0, 20, 200])
  expect(report.seconds).toBeGreaterThanOrEqual(0.095)
})

it('with --rate, latency counts from the time at which a request is due', async () => {
  let first = true
  const started = await server({
    handler: (_request, response) => {
      // One request in flight: those that are due during this pause wait for it.
      if (first) setTimeout(() => response.end(), 300)
      else response.end()
      first = false
    },
  })
  const { report } = await measured(started.url('a.test.example'), '-n', '10', '--rate', '1000', '-c', '1')
  expect(report.latencyMs!.p50).toBeGreaterThan(250)
})

it('-X, -H and -d decide what is sent; @file is the content of a file', async () => {
  const bodies: string[] = []
  const started = await server({
    handler: (request, response) => {
      let text = ''
      request.on('data', (part: Buffer) => {
        text += String(part)
      })
      request.on('end', () => {
        bodies.push(text)
        response.end()
      })
    },
  })
  const url = started.url('a.test.example')
  const file = join(await runFolder(environment), 'content')
  await writeFile(file, 'from\na file')
  await measured(url, '-n', '1', '-d', 'a=1', '-d', `@${file}`, '-H', 'X-Mark: one two')
  await measured(url, '-n', '1', '--request', 'PUT', '--data', '{}', '--header', 'content-type: application/json')
  expect(bodies).toEqual(['a=1&from\na file', '{}'])
  expect(started.requests).toMatchObject([
    { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-mark': 'one two' } },
    { method: 'PUT', headers: { 'content-type': 'application/json' } },
  ])
})

it('--http1.1 uses HTTP/1.1; --http2-prior-knowledge speaks HTTP/2 without TLS', async () => {
  const started = await server()
  const { report } = await measured(started.url('a.test.example'), '-n', '3', '--http1.1')
  expect(report.protocols).toEqual(['http/1.1'])
  const cleartext = await server({ tls: undefined, protocols: ['h2'] })
  const plain = await measured(`http://127.0.0.1:${cleartext.port}`, '-n', '3', '--http2-prior-knowledge')
  expect(plain.report).toMatchObject({ protocols: ['h2'], handshakes: 0, connections: 1 })
})

it('-k accepts a certificate that cannot be verified; without it each request fails, and the exit code is 1', async () => {
  const started = await server()
  const args = ['bench', started.url(), '-n', '200', '-c', '4', '--json']
  const refused = await unshard(...args)
  expect(refused.code).toBe(1)
  const report = JSON.parse(refused.stdout) as BenchReport
  // An origin that fails the first requests is not asked 200 times.
  expect(report.failed).toBeGreaterThanOrEqual(4)
  expect(report).toMatchObject({ statuses: {}, protocols: [], requests: report.failed })
  expect(report).not.toHaveProperty('latencyMs')
  expect(report.failed).toBeLessThan(20)
  expect((await unshard(...args, '-k')).code).toBe(0)
})

it('a request without a response is counted by its error code: exit code 1; other statuses are no failure', async () => {
  let number = 0
  const started = await server({
    handler: (_request, response) => {
      number++
      if (number === 3) response.stream!.close(2)
      else response.writeHead(number === 2 ? 503 : 200).end()
    },
  })
  const { code, stdout } = await unshardAt(HOSTS, 'bench', started.url('a.test.example'), '-X', 'POST', '-n', '5', '-c', '1')
  expect(code).toBe(1)
  expect(stdout).toContain('\n  statuses     200: 3, 503: 1\n  errors       ')
  expect(stdout).toMatch(/errors {7}[A-Z_0-9]+: 1\n/)
})

it('a missing response fails after --timeout', async () => {
  const started = await server({ handler: () => undefined })
  const { code, report } = await measured(started.url('a.test.example'), '-n', '1', '-c', '1', '--timeout', '0.2')
  expect([code, report.failed, Object.values(report.errors)]).toEqual([1, 1, [1]])
})

it('the text report', async () => {
  const started = await server()
  const url = `${started.url('a.test.example')}/bytes/5`
  const { code, stdout } = await unshardAt(HOSTS, 'bench', url, '-n', '4', '--rate', '5000')
  expect(code).toBe(0)
  const numbers = stdout.replace(/\d+(\.\d+)? (ms|s|k?B|MB)\b/g, 'N $2').replace(/in N m?s, [\d,]+/, 'in T, N')
  expect(numbers.replaceAll('N ms', 'N').split('\n')).toEqual([
    `GET ${url}`,
    '  requests     4 in T, N/s, at most 5,000/s asked for',
    expect.stringMatching(/^ {2}content {6}N B, N k?B\/s$/),
    '  statuses     200: 4',
    '  latency      p50 N   p90 N   p99 N   p99.9 N   max N',
    '               from the time at which each request was due',
    '  connections  1 (h2), 1 TLS handshake',
    '',
  ])
})

it('Ctrl-C prints what was measured so far, and exits with 130', async () => {
  const started = await server({
    handler: (_request, response) => {
      // The fifth one and later ones stay open.
      if (started.requests.length < 5) response.end()
    },
  })
  const args = ['bench', '-k', started.url(), '-c', '2', '--duration', '600', '--json']
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let stdout = ''
  child.stdout.on('data', (part: Buffer) => {
    stdout += String(part)
  })
  const ended = new Promise<number | null>((resolve) => {
    child.on('close', resolve)
  })
  await started.delivered(6)
  child.kill('SIGINT')
  expect(await ended).toBe(130)
  expect(JSON.parse(stdout)).toMatchObject({ requests: 4, failed: 0, interrupted: true, exitCode: 130, statuses: { 200: 4 } })
})
