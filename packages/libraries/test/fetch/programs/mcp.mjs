/** Checks of clients of the Model Context Protocol: `mcp.mjs @modelcontextprotocol/client|@modelcontextprotocol/sdk|@modelcontextprotocol/sdk-1.17`. */

import { run } from './harness.mjs'
import { aborted } from './shared-checks.mjs'

const [name] = process.argv.slice(2)
const { Client, SSEClientTransport, StreamableHTTPClientTransport } =
  name === '@modelcontextprotocol/client'
    ? await import(name)
    : {
        ...(await import(`${name}/client/index.js`)),
        ...(await import(`${name}/client/sse.js`)),
        ...(await import(`${name}/client/streamableHttp.js`)),
      }

async function connected(transport) {
  const client = new Client({ name: 'test', version: '1.0.0' })
  await client.connect(transport)
  return client
}

/** Calls `use` with a client over Streamable HTTP. */
async function streamable({ fetch, origin }, use, { path = '/mcp', requestInit } = {}) {
  const client = await connected(new StreamableHTTPClientTransport(new URL(`${origin}${path}`), { fetch, requestInit }))
  return use(client).finally(() => client.close())
}

async function overEvents({ fetch, origin }, use) {
  const client = await connected(new SSEClientTransport(new URL(`${origin}/sse`), { fetch }))
  return use(client).finally(() => client.close())
}

const textOf = ({ content, isError }) => `${isError ? 'error: ' : ''}${content[0].text}`
const greet = async (client) => textOf(await client.callTool({ name: 'greet', arguments: { name: 'Ada' } }))

function checks({ fetch, origin, none }) {
  const at = { fetch, origin }
  return {
    greet: () => streamable(at, greet),
    tools: () => streamable(at, async (client) => (await client.listTools()).tools.map((tool) => tool.name)),
    upload: () =>
      streamable(at, async (client) =>
        textOf(await client.callTool({ name: 'size', arguments: { text: 'unsharded '.repeat(50_000) } })),
      ),
    progress: () =>
      streamable(at, async (client) => {
        const steps = []
        const onprogress = ({ progress }) => steps.push(progress)
        const given = name === '@modelcontextprotocol/client' ? [{ onprogress }] : [undefined, { onprogress }]
        return [textOf(await client.callTool({ name: 'count', arguments: {} }, ...given)), ...steps]
      }),
    toolError: () => streamable(at, async (client) => textOf(await client.callTool({ name: 'fail', arguments: {} }))),
    abort: () =>
      streamable(at, (client) =>
        aborted((signal) => {
          const given = name === '@modelcontextprotocol/client' ? [{ signal }] : [undefined, { signal }]
          return client.callTool({ name: 'silent', arguments: {} }, ...given)
        }),
      ),
    session: async () => {
      const transport = new StreamableHTTPClientTransport(new URL(`${origin}/mcp`), { fetch })
      const client = await connected(transport)
      const had = transport.sessionId !== undefined
      await transport.terminateSession()
      await client.close()
      return [had, transport.sessionId === undefined]
    },
    events: () => overEvents(at, greet),
    eventsUpload: () =>
      overEvents(at, async (client) =>
        textOf(await client.callTool({ name: 'size', arguments: { text: 'unsharded '.repeat(50_000) } })),
      ),
    unauthorized: () => streamable(at, greet, { requestInit: { headers: { authorization: 'Bearer wrong' } } }),
    missing: () => streamable(at, greet, { path: '/missing' }),
    refused: () => streamable({ fetch, origin: none }, greet),
    refusedEvents: () => overEvents({ fetch, origin: none }, greet),
  }
}

await run({ checks, host: (at) => streamable(at, greet) })
