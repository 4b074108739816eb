/** A competitor and its input. Independent of rounds and other competitors. */

import type { Load, Sample } from './load.js'

export type Protocol = 'h2' | 'http/1.1'

/**
 * How a client reads a response: as text, as bytes in one piece, or piece by piece without keeping
 * them.
 */
export type Reading = 'text' | 'bytes' | 'stream'

/** Content of a POST: `text`, repeated up to `bytes` bytes. */
export interface Upload {
  readonly type: string
  readonly text: string
  readonly bytes: number
}

/** The request, and the one right response. */
export interface Target {
  /** `https://127.0.0.1:port` */
  readonly origin: string
  readonly path: string
  /** The exact content; with `bytes`, its beginning. */
  readonly text: string
  /** Length of the content in bytes, if it is too large to be compared. */
  readonly bytes?: number
  /** Default: text. */
  readonly reading?: Reading
  /** Sent by POST. Without it the request is a GET. */
  readonly upload?: Upload
  /** PEM of the authority to trust; every process also has it as NODE_EXTRA_CA_CERTS. */
  readonly ca: string
  /** Number of parallel requests. */
  readonly inFlight: number
}

/** A client that can be used repeatedly. */
export interface Session {
  /**
   * Sends one request and reads its response. @throws the error, including one for a wrong
   * response.
   */
  once(): Promise<void>
  close(): void | Promise<void>
}

interface Named {
  readonly name: string
  readonly protocol: Protocol
  /** True, or the reason why it cannot run here or against the server of that name. */
  available(server: string): true | string
}

/**
 * A client library for Node.js, driven by this process. It is loaded in `start`, so that other
 * competitors' processes do not load it.
 */
export interface Library extends Named {
  start(target: Target): Promise<Session>
}

/** A program that creates its own load and measures itself. */
export interface Program extends Named {
  run(target: Target, load: Load): Promise<Sample>
}

export type Competitor = Library | Program

/** Name of the server used if no other is installed: node:http2's. */
export const OWN_SERVER = "the testkit's own"

/** For libraries that are always available. */
export const always = (): true => true

/** Summary of content that is too large to be compared. */
export interface Seen {
  readonly bytes: number
  /** Beginning of the content. */
  readonly head: string
}

/** @throws Error if the response is not the right one. */
export function check(target: Pick<Target, 'text' | 'bytes'>, status: number | undefined, content: string | Seen): void {
  const { text, bytes } = target
  if (status === 200 && typeof content === 'string' && content === text) return
  if (status === 200 && typeof content !== 'string' && content.bytes === bytes && content.head === text) return
  const summary = typeof content === 'string' ? content.slice(0, 100) : content
  throw new Error(`expected 200 ${JSON.stringify({ text, bytes })}, got ${status} ${JSON.stringify(summary)}`)
}
