/** What the process of the servers and that of the clients tell each other. */

import type { Credentials } from '@unshard/testkit'
import type { SeenConnection } from './model.js'
import type { Life } from './plan.js'

/** Names the request. */
export const ID_FIELD = 'x-id'
/** How long the answer is held back, milliseconds. */
export const DELAY_FIELD = 'x-delay'
/** Of the response: the number of the connection, as the servers count. */
export const CONNECTION_FIELD = 'x-connection'

/** How connections of one server end. */
export type Ending = 'graceful' | 'goaway' | 'reset'

export type ToServers =
  | { readonly start: { readonly certificates: readonly Credentials[]; readonly ca: string; readonly lives: readonly Life[] } }
  /** The server at this address starts anew. */
  | { readonly restart: Life }
  | { readonly end: { readonly address: number; readonly how: Ending; readonly part: number } }
  /** For a moment no stream may be opened on its connections. */
  | { readonly full: { readonly address: number } }
  /** Everybody is quiet: what has not been told is told. */
  | 'tell'

/** Request, connection, host of the authority, credential, status, whether it was a POST. */
export type DeliveryRow = readonly [number, number, string, string, number, boolean]

export interface Seen {
  readonly connections: readonly SeenConnection[]
  readonly deliveries: readonly DeliveryRow[]
}

export type FromServers =
  | { readonly port: number }
  | { readonly restarted: number }
  | { readonly seen: Seen; readonly all: boolean }
