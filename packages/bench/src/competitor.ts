/** What a competitor is, and what it is given. It knows neither rounds nor other competitors. */

import type { Load, Sample } from './load.js'

export type Protocol = 'h2' | 'http/1.1'

/** What to ask for, and the one right answer. */
export interface Target {
  /** `https://127.0.0.1:port` */
  readonly origin: string
  readonly path: string
  /** What the content must be, to the last character. */
  readonly text: string
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

/** @throws Error when the answer is not the right one. */
export function check(target: Pick<Target, 'text'>, status: number | undefined, text: string): void {
  if (status !== 200 || text !== target.text) {
    throw new Error(`expected 200 ${JSON.stringify(target.text)}, got ${status} ${JSON.stringify(text.slice(0, 100))}`)
  }
}
