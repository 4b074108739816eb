/** Server of the HTTP/1.1 tests that writes raw bytes and records what it read. */

import { createServer, type Socket } from 'node:net'

/** A complete request, content included. */
export interface RawRequest {
  readonly method: string
  readonly path: string
  readonly head: string
  readonly content: string
}

/** One connection of the server. */
export interface RawLine {
  readonly number: number
  readonly socket: Socket
  readonly requests: RawRequest[]
  /** All bytes read from this connection. */
  text: string
}

export interface RawServer {
  readonly url: string
  readonly lines: RawLine[]
  /** Requests of all connections, in the order of their completion. */
  readonly requests: RawRequest[]
  close(): void
}

export interface RawScript {
  /** Called when a head is complete, before its content. */
  onHead?(line: RawLine, head: string): void
  /** Called when a request is complete. */
  onRequest?(line: RawLine, request: RawRequest): void
  onConnection?(line: RawLine): void
}

/** Content at the start of `text`, which follows a head; `undefined` while it is not complete. */
function contentOf(head: string, text: string): { content: string; end: number } | undefined {
  if (/transfer-encoding: chunked/i.test(head)) {
    let content = ''
    let at = 0
    for (;;) {
      const lineEnd = text.indexOf('\r\n', at)
      if (lineEnd === -1) return undefined
      const size = Number.parseInt(text.slice(at, lineEnd), 16)
      if (text.length < lineEnd + 4 + size) return undefined
      content += text.slice(lineEnd + 2, lineEnd + 2 + size)
      at = lineEnd + 4 + size
      if (size === 0) return { content, end: at }
    }
  }
  const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
  return text.length < length ? undefined : { content: text.slice(0, length), end: length }
}

/** Starts a server on a free port. */
export async function startRawServer({ onHead, onRequest, onConnection }: RawScript): Promise<RawServer> {
  const lines: RawLine[] = []
  const requests: RawRequest[] = []
  const server = createServer({ allowHalfOpen: false }, (socket) => {
    const line: RawLine = { number: lines.length, socket, requests: [], text: '' }
    lines.push(line)
    socket.on('error', () => undefined)
    onConnection?.(line)
    let unparsed = ''
    let headReported = false
    socket.on('data', (part: Buffer) => {
      unparsed += part.toString('latin1')
      line.text += part.toString('latin1')
      for (let end = unparsed.indexOf('\r\n\r\n'); end !== -1; end = unparsed.indexOf('\r\n\r\n')) {
        const head = unparsed.slice(0, end)
        if (!headReported) onHead?.(line, head)
        headReported = true
        const found = contentOf(head, unparsed.slice(end + 4))
        if (found === undefined) return
        headReported = false
        unparsed = unparsed.slice(end + 4 + found.end)
        const [method, path] = head.split(' ') as [string, string]
        const request = { method, path, head, content: found.content }
        line.requests.push(request)
        requests.push(request)
        onRequest?.(line, request)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    ...{ lines, requests, url: `http://127.0.0.1:${(server.address() as { port: number }).port}` },
    close() {
      server.close()
      for (const { socket } of lines) socket.destroy()
    },
  }
}
