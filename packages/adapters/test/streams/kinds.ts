/** Every behaviour of the streams over both protocols: what to open a client with, and what a server sees of one that leaves. */

import type { ClientOptions } from '@unshard/core'
import type { OriginHandler, OriginRequest, OriginResponse } from '@unshard/testkit'

export const PROTOCOLS = ['h2', 'http/1.1'] as const
export type Protocol = (typeof PROTOCOLS)[number]

/** What makes a client speak only that one. */
export function speaking(protocol: Protocol): ClientOptions {
  return { protocols: [protocol] }
}

/** What a server saw of the end of an exchange that its client has left: the error code of RST_STREAM, or that the connection went. */
export type Left = { readonly code: number } | { readonly closed: true }

export const CANCEL: Left = { code: 8 }
export const CLOSED: Left = { closed: true }

/** What the server sees in that protocol when a request is ended by its caller: RST_STREAM with CANCEL, or the end of the connection. */
export function leaving(protocol: Protocol): Left {
  return protocol === 'h2' ? CANCEL : CLOSED
}

/** A handler, and how the client left the first exchange that it was asked to watch. */
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

/** Sends as much as the peer takes, for ever. */
export const endless: OriginHandler = (_request, response) => {
  response.writeHead(200)
  const chunk = Buffer.alloc(16_384, 'x')
  const more = (): void => {
    while (!response.destroyed && !response.writableEnded && response.write(chunk)) {}
  }
  response.on('drain', more)
  more()
}
