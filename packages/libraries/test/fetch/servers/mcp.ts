/** A server of the MCP SDK, over Streamable HTTP and over its older transport of events. */

import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { z } from 'zod'

type Transport = Parameters<McpServer['connect']>[0]
interface Content {
  [member: string]: unknown
  content: { type: 'text'; text: string }[]
}

const text = (value: string): Content => ({ content: [{ type: 'text', text: value }] })

/** A server, and what a test does to its pending calls. */
export interface McpTestServer {
  handler(request: IncomingMessage, response: ServerResponse): Promise<void>
  /** Resolves when a client has called the tool `think`. */
  readonly thinking: Promise<void>
  /** Answers that call. */
  release(): void
  /** Sends a notification on the stream that a client keeps open. */
  announce(data: string): Promise<void>
}

/** Starts nothing: the handler is for a server of the tests. */
export function mcpServer(): McpTestServer {
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  const streams = new Map<string, SSEServerTransport>()
  const servers = new Set<McpServer>()
  const { thinking, released, think, release } = thought()
  const connect = async (transport: Transport): Promise<void> => {
    const server = withTools(think, released)
    servers.add(server)
    await server.connect(transport)
  }

  const streamable = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let transport = sessions.get(String(request.headers['mcp-session-id']))
    if (transport === undefined) {
      const onsessioninitialized = (id: string): void => void sessions.set(id, transport!)
      transport = new StreamableHTTPServerTransport({ sessionIdGenerator: randomUUID, onsessioninitialized })
      await connect(transport as Transport)
    }
    await transport.handleRequest(request, response)
  }
  return {
    thinking,
    release,
    announce: async (data) => {
      for (const { server } of servers) await server.sendLoggingMessage({ level: 'info', data })
    },
    async handler(request, response) {
      const { pathname, searchParams } = new URL(request.url!, 'https://a.test.example')
      if (request.headers.authorization === 'Bearer wrong') return void response.writeHead(401).end('no access')
      if (pathname === '/missing') return void response.writeHead(404, { 'content-type': 'text/plain' }).end('nothing here')
      if (pathname === '/mcp') return streamable(request, response)
      if (pathname === '/messages') return streams.get(searchParams.get('sessionId')!)!.handlePostMessage(request, response)
      const transport = new SSEServerTransport('/messages', response)
      streams.set(transport.sessionId, transport)
      await connect(transport)
    },
  }
}

function thought(): { thinking: Promise<void>; released: Promise<void>; think(): void; release(): void } {
  let think!: () => void
  let release!: () => void
  const thinking = new Promise<void>((resolve) => (think = resolve))
  const released = new Promise<void>((resolve) => (release = resolve))
  return { thinking, released, think, release }
}

function withTools(think: () => void, released: Promise<void>): McpServer {
  const server = new McpServer({ name: 'test', version: '1.0.0' }, { capabilities: { logging: {} } })
  server.registerTool('greet', { inputSchema: { name: z.string() } }, ({ name }) => text(`Hello, ${name}`))
  server.registerTool('size', { inputSchema: { text: z.string() } }, (input) => text(String(input.text.length)))
  server.registerTool('fail', {}, () => {
    throw new Error('the tool failed')
  })
  server.registerTool('silent', {}, () => new Promise<Content>(() => undefined))
  server.registerTool('think', {}, async () => {
    think()
    await released
    return text('42')
  })
  server.registerTool('count', {}, async ({ _meta, sendNotification }) => {
    for (let progress = 1; progress <= 3; progress++) {
      const params = { progressToken: _meta!.progressToken!, progress, total: 3 }
      await sendNotification({ method: 'notifications/progress', params })
    }
    return text('counted')
  })
  return server
}
