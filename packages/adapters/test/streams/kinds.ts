/**
 * Runs the stream tests over both protocols: client options, and how the server notices that a
 * client has left.
 */

import type { ClientOptions } from '@unshard/core'
import type { OriginHandler, OriginRequest, OriginResponse } from '@unshard/testkit'

export const PROTOCOLS = ['h2', 'http/1.1'] as const
export type Protocol = (typeof PROTOCOLS)[number]

/** Options for a client that speaks only this protocol. */
export function speaking(protocol: Protocol): ClientOptions {
  return { protocols: [protocol] }
}

/**
 * How the server noticed the end of an exchange: the error code of RST_STREAM, or a closed
 * connection.
 */
export type Left = { readonly code: number } | { readonly closed: true }

export const CANCEL: Left = { code: 8 }
export const CLOSED: Left = { closed: true }

/**
 * How the server notices an ended request in this protocol: RST_STREAM with CANCEL, or a closed
 * connection.
 */
export function leaving(protocol: Protocol): Left {
  return protocol === 'h2' ? CANCEL : CLOSED
}

/** A handler, and how the client left the first exchange it watches. */
export function watching(handler: OriginHandler): { handler: OriginHandler; left: Promise<Left> } {
  let tell!: (left: Left) => void
  const left = new Promise<Left>((resolve) => {
    tell = resolve
  })
  const watched = (request: OriginRequest, response: OriginResponse): void => {
    const { stream } = request
    if (stream !== undefined) stream.once('close', () => tell({ code: stream.rstCode }))
    else request.socket.once('close', () => tell(CLOSED))
    request.on('error', () => undefined)
    handler(request, response)
  }
  return { handler: watched, left }
}

/** Sends forever, as fast as the peer accepts it. */
export const endless: OriginHandler = (_request, response) => {
  response.writeHead(200)
  const chunk = Buffer.alloc(16_384, 'x')
  const more = (): void => {
    while (!response.destroyed && !response.writableEnded && response.write(chunk)) {}
  }
  response.on('drain', more)
  more()
}
