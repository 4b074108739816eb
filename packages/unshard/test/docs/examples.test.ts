/** Examples that state their output, as `// → …` in that order: those of pages, and the programs in docs/examples. */

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type OriginHandler, startTestProxy } from '@unshard/testkit'
import { type DocsStage, docsStage, examplesOf } from './stage.js'

const root = fileURLToPath(new URL('../../../..', import.meta.url))

async function expectStatedOutput(stage: DocsStage, example: string): Promise<void> {
  const stated = [...example.matchAll(/\/\/ → (.*)$/gm)].map((match) => match[1]!)
  expect(stated.length).toBeGreaterThan(0)
  expect((await stage.play(example)).trimEnd().split('\n')).toEqual(stated)
}

const hello: OriginHandler = (_request, response) => void response.end('hello')

describe.each<[string, OriginHandler?]>([
  ['docs/getting-started.md', hello],
  ['docs/concepts/connections.md'],
  ['docs/guides/client.md'],
  ['docs/guides/debugging.md'],
  ['docs/guides/migrate-from-axios.md'],
  ['docs/guides/migrate-from-got.md'],
  ['docs/guides/migrate-from-node-fetch.md'],
  ['docs/guides/migrate-from-undici.md'],
  ['docs/guides/har.md'],
  ['docs/guides/waterfall.md'],
  ['docs/guides/interceptors.md'],
  ['docs/guides/long-answers.md', (_request, response) => void response.end('thought about it')],
  ['docs/guides/ready-made-interceptors.md'],
  ['docs/guides/production.md'],
  ['docs/guides/streams.md'],
  ['docs/guides/tracing-and-metrics.md'],
  ['docs/guides/troubleshooting.md'],
  ['docs/guides/undici.md'],
  ['docs/guides/untrusted-urls.md'],
])('%s', (page, handler) => {
  const stage = docsStage(page, handler)
  it.each(examplesOf(page).map((example, i) => [i + 1, example] as const))(
    'example %i prints the output that it states',
    (_number, example) => expectStatedOutput(stage, example),
  )
})

/** Runs an example whose proxy is `proxy.example:3128` against a proxy of this machine. */
async function playBehindProxy(stage: DocsStage, example: string): Promise<void> {
  const proxy = await startTestProxy({ credentials: 'user:password' })
  try {
    await expectStatedOutput(stage, example.replaceAll('proxy.example:3128', `127.0.0.1:${proxy.port}`))
    expect(proxy.tunnels).toHaveLength(example.includes('user:password@') ? 1 : 0)
  } finally {
    await proxy.close()
  }
}

describe('docs/guides/proxies.md', () => {
  const page = 'docs/guides/proxies.md'
  const stage = docsStage(page)
  it.each(examplesOf(page).map((example, i) => [i + 1, example] as const))(
    'example %i prints the output that it states, behind a proxy',
    (_number, example) => playBehindProxy(stage, example),
  )
})

describe('docs/examples', () => {
  const events: OriginHandler = (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (let i = 0; i < 10; i++) response.write(`id: ${i}\ndata: {"title":"page ${i}"}\n\n`)
  }
  const programs = readdirSync(`${root}/docs/examples`)
  const read = (name: string): string => readFileSync(`${root}/docs/examples/${name}`, 'utf8')
  const stage = docsStage('docs/README.md')

  it.each(programs.filter((name) => name !== 'sse.mjs' && name !== 'proxy.mjs'))('%s prints the output that it states', (name) =>
    expectStatedOutput(stage, read(name)),
  )
  it('proxy.mjs prints the output that it states, behind a proxy', () => playBehindProxy(stage, read('proxy.mjs')))

  describe('with a server that sends events', () => {
    const eventStage = docsStage('docs/README.md', events)
    it('sse.mjs prints the output that it states', () => expectStatedOutput(eventStage, read('sse.mjs')))
  })
})
