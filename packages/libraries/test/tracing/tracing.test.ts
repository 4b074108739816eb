/**
 * Real instrumentations, started as their guides say and without a setting for this client: each
 * request has one span, below the span of its caller, and the server receives the id of that span.
 */

import { fileURLToPath } from 'node:url'
import { type OriginHandler, testWorld } from '@unshard/testkit'
import { NODES, type NodeVersion, runOn } from '../nodes.js'

/** A span, as the programs print it. Spans of callers have no URL. */
interface Span {
  readonly name: string
  readonly id: string
  readonly parent?: string
  readonly url?: string
  readonly httpStatus?: number
  readonly isError: boolean
}

const world = testWorld()
const handler: OriginHandler = ({ url }, response) => {
  if (url === '/begun') return void response.write('part')
  response.writeHead(url === '/missing' ? 404 : 200).end('content')
}

const since22 = NODES.filter(({ major }) => major >= 22)
const programs: [string, readonly NodeVersion[], string, ...string[]][] = [
  ['Sentry 11', NODES, 'sentry'],
  ['Datadog 5', NODES.filter(({ major }) => major < 26), 'datadog', 'dd-trace-5'],
  ['Datadog 6', since22, 'datadog', 'dd-trace'],
  ["OpenTelemetry 3 with undici's instrumentation", since22, 'opentelemetry', 'undici'],
  ['OpenTelemetry 3 with instrument()', since22, 'opentelemetry', 'own'],
]
const cases = programs.flatMap(([title, nodes, ...program]) => nodes.map((node) => ({ title, node, major: node.major, program })))

it.each(cases)(
  '$title on Node.js $major traces each request once, below its caller',
  async ({ node, program: [name, ...args] }) => {
    const [h2, h1] = [await world.server({ handler }), await world.server({ handler, protocols: ['http/1.1'] })]
    const gone = await world.server()
    await gone.close()
    const path = fileURLToPath(new URL(`./programs/${name}.mjs`, import.meta.url))
    const env = { CA: world.authority.ca, H2: String(h2.port), H1: String(h1.port), NONE: String(gone.port) }
    const spans = (await runOn(node, path, args, env)) as Span[]
    const requests = [...h2.requests, ...h1.requests]
    for (let i = 0; i < 102; i++) {
      const [request, ...others] = requests.filter((each) => each.path === `/?n=${i}`)
      expect(others).toEqual([])
      const caller = spans.find((span) => span.name === `caller ${i}`)
      const below = spans.filter(({ parent, url }) => parent === caller?.id && url !== undefined)
      expect(below).toMatchObject([{ httpStatus: 200, isError: false }])
      expect(request?.headers['traceparent'] ?? request?.headers['sentry-trace']).toContain(below[0]?.id)
    }
    const caller = spans.find((span) => span.name === 'others')
    const others = spans.filter(({ parent, url }) => parent === caller?.id && url !== undefined)
    expect(others.map((span) => [new URL(span.url!).pathname, span.httpStatus, span.isError])).toEqual([
      ['/missing', 404, true],
      ['/begun', 200, false],
      ['/refused', undefined, true],
    ])
  },
  100_000,
)
