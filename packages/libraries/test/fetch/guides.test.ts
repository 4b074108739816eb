/** The examples of docs/guides/libraries.md and of the pages under it print what they state. */

import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type OriginHandler, testWorld } from '@unshard/testkit'
import { examplesOf, runExample, statedIn } from '../examples.js'
import { NODES } from '../nodes.js'
import { TIMEOUT_MS } from './fixture.js'
import { anthropicServer } from './servers/anthropic.js'
import { connectServer } from './servers/connect-web.js'
import { elasticServer } from './servers/elasticsearch.js'
import { eventServer } from './servers/event-source.js'
import { graphqlServer } from './servers/graphql.js'
import { mcpServer } from './servers/mcp.js'
import { githubServer } from './servers/octokit.js'
import { openaiServer } from './servers/openai.js'
import { plainServer } from './servers/plain.js'
import { slackServer } from './servers/slack.js'
import { stripeServer } from './servers/stripe.js'
import { supabaseServer } from './servers/supabase.js'

type Handler = (...args: Parameters<OriginHandler>) => unknown

/** Answers for two hosts. */
function hubServer(): Handler {
  const [openai, github] = [openaiServer(), githubServer()]
  return (request, response) => (request.url!.startsWith('/v1/') ? openai : github)(request, response)
}

/** Modules of the examples by the name that they are imported with. */
const TEST_SERVICE = `export { Service as TestService } from ${JSON.stringify(new URL('../connect/programs/service.mjs', import.meta.url).href)}`

const SERVERS: Readonly<Record<string, () => Handler | Promise<Handler>>> = {
  libraries: hubServer,
  'libraries/ai': openaiServer,
  'libraries/anthropic': anthropicServer,
  'libraries/axios': plainServer,
  'libraries/connect-web': async () => {
    // @ts-expect-error a program without types
    const { Service } = await import('../connect/programs/service.mjs')
    return connectServer(Service as never)
  },
  'libraries/elasticsearch': elasticServer,
  'libraries/eventsource': eventServer,
  'libraries/frameworks': plainServer,
  'libraries/google': plainServer,
  'libraries/graphql': graphqlServer,
  'libraries/ky-and-ofetch': plainServer,
  'libraries/mcp': () => mcpServer().handler,
  'libraries/octokit': githubServer,
  'libraries/openai': openaiServer,
  'libraries/slack': slackServer,
  'libraries/stripe': stripeServer,
  'libraries/supabase': supabaseServer,
}

const NAMES = [
  ...['*.example.com', 'api.openai.com', 'api.anthropic.com', 'api.github.com', 'api.stripe.com', 'slack.com'],
  ...['*.supabase.co', '*.googleapis.com'],
]

const world = testWorld()
const pages = Object.entries(SERVERS).flatMap(([page, server]) =>
  examplesOf(page).map((example, i) => ({ page, number: i + 1, example, server })),
)

// Most of the newest versions need Node.js 22.
const node = NODES.find(({ major }) => major === 24)

if (node === undefined) it.todo('not run: Node.js 24 is not installed')
else {
  it.each(pages)(
    '$page.md, example $number',
    async ({ example, server }) => {
      const handler = (await server()) as OriginHandler
      const { port } = await world.server({ handler, tls: await world.tls(...NAMES) })
      // A connection is shared if its address has the port of the URL.
      const program = example
        .replaceAll(/(?<=https:\/\/[\w${}]+\.(?:example|googleapis)\.com)/g, `:${port}`)
        .replace(/import (.*) from '.\/service.js'.*/, "import $1 from './service.mjs'")
      const files = { 'service.mjs': TEST_SERVICE }
      const output = await runExample(node, program, { port, ca: world.authority.ca, files })
      expect(output.map((line) => line.replaceAll(`:${port}`, ''))).toEqual(statedIn(example))
    },
    TIMEOUT_MS,
  )
}

it('each page has examples and a server', () => {
  const folder = fileURLToPath(new URL('../../../../docs/guides/libraries', import.meta.url))
  const names = readdirSync(folder).map((file) => `libraries/${file.replace(/\.md$/, '')}`)
  expect(Object.keys(SERVERS).sort()).toEqual(['libraries', ...names].sort())
  expect(new Set(pages.map(({ page }) => page)).size).toBe(names.length + 1)
  for (const { example } of pages) expect(statedIn(example).length).toBeGreaterThan(0)
})
