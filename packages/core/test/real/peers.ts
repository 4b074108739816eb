/** The seven servers, and the reason for each feature that one of them does not support. */

import {
  type ExternalServer,
  type ExternalServerOptions,
  startApache,
  startCaddy,
  startH2o,
  startHaproxy,
  startNghttpd,
  startNginx,
} from '@unshard/testkit'
import { startNode } from './node-server.js'

/** The reason why a server does not support a feature. */
export interface Unsupported {
  readonly because: string
}

export interface Peer {
  start(options: ExternalServerOptions): Promise<ExternalServer | undefined>
  /** The path where the response to a POST is the length of its content, or the content. */
  readonly upload: { readonly path: string; readonly answers: 'length' | 'body' }
  /** The path of a response with trailers. */
  readonly responseTrailers: string | Unsupported
  /**
   * The path where the response is the trailer of the request; `whole` if its length must be known.
   */
  readonly requestTrailers: { readonly path: string; readonly whole?: boolean } | Unsupported
  /**
   * The path of a response with this many bytes of fields; `because` if it is less than a megabyte.
   */
  readonly fields: { readonly path: string; readonly bytes: number; readonly because?: string }
  /** A start with other configuration, for `fields`. */
  startWithFields?(options: ExternalServerOptions): Promise<ExternalServer | undefined>
  /** Why the server stops without GOAWAY. A server that sends GOAWAY has `reload()`. */
  readonly goaway?: Unsupported
  /** Why requests with content can be lost when the server sends GOAWAY. */
  readonly contentAtGoaway?: Unsupported
}

const backend = { upload: { path: '/behind/length', answers: 'length' }, responseTrailers: '/behind/trailers' } as const
const megabyte = { path: '/behind/fields/90/12000', bytes: 90 * 12_000 }
/** The count of many short fields: nghttp2 adds 12 bytes to each, RFC 9113 §6.5.2 adds 32. */
const manyShort = 3_000
const nghttp2 = 'nghttp2 sends no field block that may exceed 64 KiB'

export const peers = {
  nghttpd: {
    start: (options) => startNghttpd({ ...options, flags: ['--echo-upload', '--trailer', 'x-checksum: 1234'] }),
    upload: { path: '/upload', answers: 'body' },
    responseTrailers: '/small.txt',
    requestTrailers: { because: 'nghttpd drops them without notice' },
    fields: { path: '/1m.bin', bytes: manyShort * 36, because: `${nghttp2}, and nghttpd can only be configured with trailers` },
    startWithFields: (options) => startNghttpd({ ...options, flags: shortTrailers() }),
    goaway: { because: 'nghttpd has no graceful stop and sends no GOAWAY' },
  },
  nginx: {
    ...backend,
    start: startNginx,
    // Its proxy drops trailers of the backend; the directive add_trailer does not.
    responseTrailers: '/trailers',
    requestTrailers: { because: 'nginx 1.22 treats them as a connection error' },
    fields: megabyte,
  },
  h2o: {
    ...backend,
    start: startH2o,
    responseTrailers: { because: 'h2o 2.2 drops the trailers of the backend and sends none of its own' },
    requestTrailers: { because: 'h2o 2.2 drops them' },
    fields: megabyte,
  },
  apache: {
    ...backend,
    start: startApache,
    // Its proxy drops trailers; its own handlers receive them.
    requestTrailers: { path: '/trailers', whole: true },
    fields: { path: `/behind/fields/${manyShort}/1`, bytes: manyShort * 36, because: nghttp2 },
    contentAtGoaway: {
      because: 'Apache 2.4 closes a connection on which DATA arrives after its GOAWAY ("The user callback function failed")',
    },
  },
  haproxy: { ...backend, start: startHaproxy, requestTrailers: { path: '/behind/trailers' }, fields: megabyte },
  caddy: {
    ...backend,
    start: startCaddy,
    requestTrailers: { because: 'Caddy 2.6 announces them to the backend and then sends none' },
    fields: megabyte,
  },
  node: { ...backend, start: startNode, requestTrailers: { path: '/behind/trailers' }, fields: megabyte },
} satisfies Record<string, Peer>

export const peerList: readonly (readonly [string, Peer])[] = Object.entries(peers)

function shortTrailers(): string[] {
  return Array.from({ length: manyShort }, (_, at) => ['--trailer', `x-${at}: v`]).flat()
}
