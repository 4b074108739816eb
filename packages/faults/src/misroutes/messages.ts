/** Messages between the server process and the client process. */

import type { Credentials } from '@unshard/testkit'
import type { SeenConnection } from './model.js'
import type { Life } from './plan.js'

/** Field with the ID of the request. */
export const ID_FIELD = 'x-id'
/** Delay of the response, in milliseconds. */
export const DELAY_FIELD = 'x-delay'
/** Response field: number of the connection as counted by the servers. */
export const CONNECTION_FIELD = 'x-connection'

/** Ways to end the connections of a server. */
export type Ending = 'graceful' | 'goaway' | 'reset'

export type ToServers =
  | { readonly start: { readonly certificates: readonly Credentials[]; readonly ca: string; readonly lives: readonly Life[] } }
  /** Restarts the server at this address. */
  | { readonly restart: Life }
  | { readonly end: { readonly address: number; readonly how: Ending; readonly part: number } }
  /** Sets the stream limit of its connections to zero for a moment. */
  | { readonly full: { readonly address: number } }
  /** All clients are idle: report everything that was not reported yet. */
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
