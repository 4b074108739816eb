/** Handler of all servers of the cells, over HTTP/2 and behind external servers. */

import { createHash } from 'node:crypto'
import { type OriginHandler, type OriginRequest, type OriginResponse, patternBytes } from '@unshard/testkit'
import { type Gates, type Point, runOf } from './account.js'

/** Field with the ID of a request. */
export const ID_FIELD = 'x-id'

export interface HandlerOwner {
  readonly gates: Gates
  at(id: string, point: Point): void
}

/**
 * `/ok` responds when all content has arrived; `/hold` waits; `/half/N` stops in the middle of N
 * bytes; `/unread` waits before it reads.
 */
export function createHandler(owner: HandlerOwner): OriginHandler {
  return (request, response) => {
    const id = String(request.headers[ID_FIELD] ?? '')
    const [, route = '', argument = ''] = /\/(ok|hold|half|unread)(?:\/(\d+))?$/.exec(request.url ?? '') ?? []
    // A client that disconnects is not an error of the server.
    for (const each of [request, response]) each.on('error', () => undefined)
    owner.at(id, 'delivered')
    const held = (go: () => void): void => owner.gates.pass(runOf(id), go)
    const read = (then: (summary: string) => void): void => readAll(request, id, owner, then)
    if (route === 'hold') read((summary) => held(() => answer(response, summary)))
    else if (route === 'unread') held(() => read((summary) => answer(response, summary)))
    else if (route === 'half') read(() => half(response, Number(argument), held))
    else read((summary) => answer(response, summary))
  }
}

/** Returns the response for a request with this content. */
export function summaryOf(id: string, bytes: number, hash: string): string {
  return `${id} ${bytes} ${hash}`
}

export function hashOf(...parts: readonly Uint8Array[]): string {
  const hash = createHash('sha1')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

function readAll(request: OriginRequest, id: string, owner: HandlerOwner, then: (summary: string) => void): void {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => {
    parts.push(part)
    owner.at(id, 'content')
  })
  request.once('end', () => {
    owner.at(id, 'complete')
    const bytes = Buffer.concat(parts)
    then(summaryOf(id, bytes.length, hashOf(bytes)))
  })
}

function answer(response: OriginResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'text/plain' })
  response.end(text)
}

function half(response: OriginResponse, length: number, held: (go: () => void) => void): void {
  const bytes = patternBytes(length)
  // Otherwise nginx would buffer the response.
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'x-accel-buffering': 'no' })
  response.write(bytes.subarray(0, length / 2))
  held(() => response.end(bytes.subarray(length / 2)))
}
