/** What a competitor is, and what it is given. It knows neither rounds nor other competitors. */

import type { Load, Sample } from './load.js'

export type Protocol = 'h2' | 'http/1.1'

/** How a client reads an answer: as text, as octets in one piece, or piece by piece, where nothing is kept. */
export type Reading = 'text' | 'octets' | 'stream'

/** What a POST carries: `text`, repeated until it has `bytes` octets. */
export interface Upload {
  readonly type: string
  readonly text: string
  readonly bytes: number
}

/** What to ask for, and the one right answer. */
export interface Target {
  /** `https://127.0.0.1:port` */
  readonly origin: string
  readonly path: string
  /** What the content must be, to the last character; where `bytes` is given, how it must begin. */
  readonly text: string
  /** Octets of the content, where it is too large to be compared. */
  readonly bytes?: number
  /** Default: text. */
  readonly reading?: Reading
  /** Sent by POST. Without it the request is a GET. */
  readonly upload?: Upload
  /** PEM of the authority to trust; every process also has it as NODE_EXTRA_CA_CERTS. */
  readonly ca: string
  /** Requests that will be in flight at once. */
  readonly inFlight: number
}

/** A client, warmed up or not, that can be asked again and again. */
export interface Session {
  /** One request and its whole answer. @throws whatever went wrong, a wrong answer included. */
  once(): Promise<void>
  close(): void | Promise<void>
}

interface Named {
  readonly name: string
  readonly protocol: Protocol
  /** True, or why it cannot run here, or not against the server of that name. */
  available(server: string): true | string
}

/** A client for Node.js: this process drives it. It loads its library in `start`, so that no other's process does. */
export interface Library extends Named {
  start(target: Target): Promise<Session>
}

/** A program that makes its own load and keeps its own accounts. */
export interface Program extends Named {
  run(target: Target, load: Load): Promise<Sample>
}

export type Competitor = Library | Program

/** The name of the server that is used where no other is installed: node:http2's. */
export const OWN_SERVER = "the testkit's own"

/** For libraries that are always there. */
export const always = (): true => true

/** What was read of a content that is too large to be compared. */
export interface Seen {
  readonly bytes: number
  /** How it begins. */
  readonly head: string
}

/** @throws Error when the answer is not the right one. */
export function check(target: Pick<Target, 'text' | 'bytes'>, status: number | undefined, content: string | Seen): void {
  const { text, bytes } = target
  if (status === 200 && typeof content === 'string' && content === text) return
  if (status === 200 && typeof content !== 'string' && content.bytes === bytes && content.head === text) return
  const seen = typeof content === 'string' ? content.slice(0, 100) : content
  throw new Error(`expected 200 ${JSON.stringify({ text, bytes })}, got ${status} ${JSON.stringify(seen)}`)
}
