/** Content of requests, and answers that several servers give. */

import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** Reads the content of a request. */
export async function contentOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

/** Returns the fields of a form, and the digests of its files. */
export async function formOf(request: IncomingMessage): Promise<Record<string, string>> {
  const content = await contentOf(request)
  const headers = { 'content-type': request.headers['content-type'] ?? '' }
  const form = await new Response(new Uint8Array(content), { headers }).formData()
  const fields: Record<string, string> = {}
  for (const [name, value] of form) fields[name] = typeof value === 'string' ? value : await fileOf(value)
  return fields
}

async function fileOf(file: File): Promise<string> {
  return `${file.name} ${digest(Buffer.from(await file.arrayBuffer()))}`
}

/** Size and digest of content. */
export function digest(content: Buffer): string {
  return `${content.length} ${createHash('sha256').update(content).digest('hex').slice(0, 8)}`
}

/** The file that programs upload. */
export const UPLOAD = Buffer.from('unsharded '.repeat(50_000))

export function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

/** Answers with an error after which SDKs send the request again at once. */
export function later(response: ServerResponse, status: number, value: unknown = { error: { message: 'later' } }): void {
  response.setHeader('retry-after-ms', '1')
  response.setHeader('retry-after', '0')
  json(response, value, status)
}

/** Closes the connection over HTTP/1.1 and resets the stream over HTTP/2, once what is written has been sent. */
export function cutOff(response: ServerResponse): void {
  const { stream } = response as { stream?: ServerResponse }
  setImmediate(() => (stream ?? response).destroy())
}

/** Returns a function that is true for the first, third, … call with a name. */
export function everyOther(): (name: string) => boolean {
  const failed = new Set<string>()
  return (name) => {
    if (failed.delete(name)) return false
    failed.add(name)
    return true
  }
}

/** Begins a response of events, and returns a function that sends one. */
export function events(response: ServerResponse): (value: unknown, type?: string) => void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  return (value, type) => {
    const data = typeof value === 'string' ? value : JSON.stringify(value)
    response.write(`${type === undefined ? '' : `event: ${type}\n`}data: ${data}\n\n`)
  }
}
