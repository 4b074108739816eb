/** What the servers of the cells answer, over HTTP/2 and behind other people's servers alike. */

import { createHash } from 'node:crypto'
import { type OriginHandler, type OriginRequest, type OriginResponse, patternBytes } from '@unshard/testkit'
import { type Gates, type Point, runOf } from './account.js'

/** The field with a request's id. */
export const ID_FIELD = 'x-id'

export interface HandlerOwner {
  readonly gates: Gates
  at(id: string, point: Point): void
}

/** `/ok` answers when it has all; `/hold` waits; `/half/N` stops in the middle of N octets; `/unread` waits before it reads. */
export function createHandler(owner: HandlerOwner): OriginHandler {
  return (request, response) => {
    const id = String(request.headers[ID_FIELD] ?? '')
    const [, route = '', argument = ''] = /\/(ok|hold|half|unread)(?:\/(\d+))?$/.exec(request.url ?? '') ?? []
    // A client that goes is no fault of the server's.
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

/** The answer to a request with this content. */
export function summaryOf(id: string, octets: number, hash: string): string {
  return `${id} ${octets} ${hash}`
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
  // nginx would wait for more.
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'x-accel-buffering': 'no' })
  response.write(bytes.subarray(0, length / 2))
  held(() => response.end(bytes.subarray(length / 2)))
}
