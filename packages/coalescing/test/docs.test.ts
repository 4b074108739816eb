// docs/unsharding.md explains every reason and every option and nothing else, and every example
// runs; so do the README's.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CoalescingOptions, coalescing, GRANT_REASONS, REFUSAL_REASONS } from '@unshard/coalescing'
import { CLIENT_REASONS, Client, type ClientOptions, sameOrigin } from '@unshard/core'
import { staticLookup, testWorld } from '@unshard/testkit'

const text = readFileSync(join(import.meta.dirname, '../../../docs/unsharding.md'), 'utf8')
const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')
const examples = [...(text + readme).matchAll(/```(?:ts|js)\n(.*?)```/gs)].map((match) => match[1]!)

test('the table contains every reason, in order', () => {
  const rows = [...text.matchAll(/^\| (?:[\d, ]+ )?`([a-z0-9-]+)` \|.*\|.*\|$/gm)].map(([, reason]) => reason)
  const options = [...text.matchAll(/^\| `(\w+)` \| \S+ \|/gm)].map(([, option]) => option)
  expect(rows.filter((row) => !options.includes(row))).toEqual([...GRANT_REASONS, ...REFUSAL_REASONS])
})

test('every reason of the pool is explained below the table', () => {
  const pool = text.slice(text.indexOf('\nFor a connection of'), text.indexOf('\n`GRANT_REASONS`'))
  const named = [...pool.matchAll(/`([a-z0-9-]+)`/g)].map(([, reason]) => reason)
  const table = ['handshake-under-way']
  expect([...new Set([...named, ...table])].sort()).toEqual([...CLIENT_REASONS].sort())
})

test('every reason is next to the number of its rule, in the order of the rules', () => {
  const numbers = [...text.matchAll(/^\| (\d+)(?:, \d+)? `[a-z0-9-]+` \|/gm)].map(([, number]) => Number(number))
  expect(numbers).toHaveLength(REFUSAL_REASONS.length)
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
  expect([...text.matchAll(/^(\d+)\. /gm)].map(([, number]) => Number(number))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
})

test('the table of options contains every option except the one for tests', () => {
  const every: Record<keyof Omit<CoalescingOptions, 'clock'>, true> = {
    ...{ mode: true, allow: true, deny: true, wildcards: true, trustOriginFrame: true, suspectStatuses: true },
    allowUnauthorized: true,
  }
  const listed = [...text.matchAll(/^\| `(\w+)` \| (?:none|`\S+`) \|/gm)].map(([, option]) => option)
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
