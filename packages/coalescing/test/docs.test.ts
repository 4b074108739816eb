// The pages on coalescing: every reason and every option is explained, nothing else is called one, and every example runs; the README's too.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CoalescingOptions, coalescing, GRANT_REASONS, REFUSAL_REASONS } from '@unshard/coalescing'
import { CLIENT_REASONS, Client, type ClientOptions, sameOrigin } from '@unshard/core'
import { staticLookup, testWorld } from '@unshard/testkit'

const read = (path: string): string => readFileSync(join(import.meta.dirname, '../../..', path), 'utf8')
const concepts = read('docs/concepts/coalescing.md')
const reasons = read('docs/reference/reasons.md')
const PAGES = ['docs/reference/diagnostics-channels.md', 'docs/reference/stats.md', 'packages/coalescing/README.md']
const examples = [...[concepts, ...PAGES.map(read)].join('\n').matchAll(/```(?:ts|js)\n(.*?)```/gs)].map((match) => match[1]!)

/** Names in the first column of a page's tables, between two headings. */
function rowsOf(from: string, to?: string): string[] {
  const section = reasons.slice(reasons.indexOf(from), to === undefined ? undefined : reasons.indexOf(to))
  return [...section.matchAll(/^\| (?:[\d, ]+ )?`([a-z0-9-]+)` \|/gm)].map(([, reason]) => reason!)
}

test('every reason of a rule is in its table, in order', () => {
  expect(rowsOf('## Grants', '## Refusals')).toEqual([...GRANT_REASONS])
  expect(rowsOf('## Refusals', '## Reasons of the pool')).toEqual([...REFUSAL_REASONS])
})

test('every reason of the pool is in its section', () => {
  const section = reasons.slice(reasons.indexOf('## Reasons of the pool'), reasons.indexOf('`unshard` exports'))
  const known = new Set<string>(CLIENT_REASONS)
  const named = [...section.matchAll(/`([a-z0-9-]+)`/g)].map(([, reason]) => reason!)
  expect(new Set([...named, 'handshake-under-way'])).toEqual(known)
})

test('every refusal stands beside the number of its rule, in the order of the rules', () => {
  const numbers = [...reasons.matchAll(/^\| (\d+)(?:, \d+)? `[a-z0-9-]+` \|/gm)].map(([, number]) => Number(number))
  expect(numbers).toHaveLength(REFUSAL_REASONS.length)
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
  expect([...concepts.matchAll(/^(\d+)\. /gm)].map(([, number]) => Number(number))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
})

test('the table of options contains every option except the one for tests', () => {
  const every: Record<keyof Omit<CoalescingOptions, 'clock'>, true> = {
    ...{ mode: true, allow: true, deny: true, wildcards: true, trustOriginFrame: true, suspectStatuses: true },
    allowUnauthorized: true,
  }
  const listed = [...concepts.matchAll(/^\| `(\w+)` \| (?:none|`\S+`) \|/gm)].map(([, option]) => option)
  expect(listed.sort()).toEqual(Object.keys(every).sort())
})

describe('the examples run', () => {
  const world = testWorld()

  test.each(examples.map((source, i) => [i + 1, source] as const))('example %d', async (_, source) => {
    const { port } = await world.server({ tls: await world.tls('*.example.com', '*.cdn.example.com') })
    // Exports of `unshard` with a client for which every name resolves to this machine; in the
    // examples only the port is changed.
    const createClient = (options: ClientOptions = {}): Client => {
      const lookup = staticLookup({ 'a.example.com': '127.0.0.1', 'b.example.com': '127.0.0.1' })
      const client = new Client({ reuse: coalescing(), lookup, ...options, tls: { ca: world.authority.ca, ...options.tls } })
      world.defer(() => client.destroy())
      return client
    }
    const runnable = source
      .replaceAll(/(https:\/\/\w+\.example\.com)\//g, `$1:${port}/`)
      .replaceAll(/^import (\{.*\}) from '(?:unshard|@unshard\/\w+)'/gm, 'const $1 = unshard')
      .replaceAll(/^import (\{.*\}) from 'node:diagnostics_channel'/gm, 'const $1 = diagnostics')
      // `expression // 'value'` is an assertion.
      .replaceAll(/^([\w.]+) \/\/ (true|false|\d+|'[^']*').*$/gm, 'claim($1, $2)')
    const claim = (actual: unknown, expected: unknown): void => expect(actual).toEqual(expected)
    const run = new Function('unshard', 'diagnostics', 'claim', 'console', `return (async () => { ${runnable}\n })()`)
    await run({ createClient, coalescing, sameOrigin, Client }, { subscribe: () => undefined }, claim, { log: () => undefined })
    expect(source).toMatch(/^import .* from '@?unshard/m)
  })

  test('there are examples, and the first makes two assertions', () => {
    expect(examples.length).toBeGreaterThan(5)
    expect(examples[0]!.match(/^[\w.]+ \/\/ (?:true|')/gm)).toHaveLength(2)
  })
})
