import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { parseArguments } from '../src/arguments.js'
import { figuresOf, lostAgainst } from '../src/report.js'

/**
 * A minimal checkout: a harness of a few lines, a server, and files that pass, fail, are skipped
 * and never end.
 */
const CHECKOUT: Record<string, string> = {
  'test/fixtures/wpt/resources/testharness.js': `
    const results = [], ends = []
    globalThis.add_result_callback = (call) => results.push(call)
    globalThis.add_completion_callback = (call) => ends.push(call)
    globalThis.promise_test = (run, name) => {
      const tell = (status, message) => {
        for (const call of results) call({ name, status, message })
        for (const call of ends) call()
      }
      run().then(() => tell(0, null), (error) => tell(1, String(error)))
    }`,
  'test/wpt/server/server.mjs': `
    import { createServer } from 'node:http'
    const server = createServer({}, (request, response) => response.end(request.httpVersion)).listen(0)
    server.once('listening', () => process.send({ server: 'http://localhost:' + server.address().port }))`,
  'test/wpt/status/fetch.status.json': '{ "skipped": { "skip": true } }',
  'test/fixtures/wpt/fetch/skipped/a.any.js': 'throw new Error("left out")',
  'test/fixtures/wpt/fetch/passes.sub.any.js': `// META: script=resources/given.js
// META: variant=?one
// META: variant=?two
promise_test(async () => {
  const version = await (await fetch('/relative')).text()
  if (version !== (location.protocol === 'https:' && expected === 'h2' ? '2.0' : '1.1')) throw new Error(version)
  if (location.port !== '{{ports[http][0]}}' || '{{host}}' !== 'localhost') throw new Error('not substituted')
}, 'passes')`,
  'test/fixtures/wpt/fetch/resources/given.js': 'globalThis.expected = "h2"',
  'test/fixtures/wpt/fetch/fails.any.js': 'promise_test(() => Promise.reject(new Error("why")), "fails")',
}

describe('pnpm wpt', () => {
  let suite: string
  beforeAll(() => {
    suite = mkdtempSync(join(tmpdir(), 'unshard-wpt-'))
    for (const [path, text] of Object.entries(CHECKOUT)) {
      mkdirSync(dirname(join(suite, path)), { recursive: true })
      writeFileSync(join(suite, path), text)
    }
  })
  afterAll(() => rmSync(suite, { recursive: true }))

  it.each([
    ['unshard', 'h1'],
    ['unshard', 'h2'],
    ['undici', 'h2'],
    ['builtin', 'h1'],
  ])(
    'judges %s over %s',
    async (subject, protocol) => {
      const main = fileURLToPath(new URL('../dist/main.js', import.meta.url))
      const given = ['--suite', suite, '--subject', subject, '--protocol', protocol, '--json', '--compare']
      const { stdout } = await promisify(execFile)(process.execPath, [main, ...given], { timeout: 60_000 })
      const { results, ...figures } = JSON.parse(stdout) as { results: { path: string }[] }
      expect(figures).toMatchObject({ subject, wire: protocol, files: 3, subtests: 3, passed: 2, lost: [] })
      expect(results.map(({ path }) => path)).toEqual([
        'fetch/fails.any.js',
        'fetch/passes.sub.any.js?one',
        'fetch/passes.sub.any.js?two',
      ])
    },
    60_000,
  )

  it('names the subtests that the subject fails', () => {
    const outcome = (passed: boolean): Parameters<typeof figuresOf>[0] => ({
      subject: 'unshard',
      wire: 'h1',
      files: [{ path: 'a', subtests: [{ name: 'b', passed, message: null }], timedOut: false, uncaught: [] }],
    })
    expect(lostAgainst(outcome(true), outcome(false))).toEqual(['a: b'])
    expect(lostAgainst(outcome(false), outcome(false))).toEqual([])
    expect(figuresOf(outcome(true))).toEqual({ files: 1, subtests: 1, passed: 1 })
  })

  it.each([
    [[], '--suite'],
    [['--suite', 'x', '--subject', 'got'], 'got'],
    [['--suite', 'x', '--protocol', 'h3'], 'h3'],
    [['--suite', 'x', '--subject', 'builtin', '--protocol', 'h2'], 'HTTP/2'],
    [['--lunch'], 'lunch'],
  ])('refuses %j', (argv, named) => expect(() => parseArguments(argv)).toThrow(named))
})
