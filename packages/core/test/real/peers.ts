/** The seven servers, and in words what one of them cannot show, so that a test that shows less says why. */

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

/** Why a server does not do something. */
export interface Cannot {
  readonly because: string
}

export interface Peer {
  start(options: ExternalServerOptions): Promise<ExternalServer | undefined>
  /** Where the answer to a POST is the length of its body, or the body itself. */
  readonly upload: { readonly path: string; readonly answers: 'length' | 'body' }
  /** Where a response with trailers is. */
  readonly responseTrailers: string | Cannot
  /** Where the answer to a POST is the value of its trailer; `whole` where the body's length has to be known. */
  readonly requestTrailers: { readonly path: string; readonly whole?: boolean } | Cannot
  /** Where a response with so many bytes of fields is; `because` where that is not a megabyte. */
  readonly fields: { readonly path: string; readonly bytes: number; readonly because?: string }
  /** For `fields`, where it takes another configuration. */
  startWithFields?(options: ExternalServerOptions): Promise<ExternalServer | undefined>
  /** A server that says goodbye before it goes has `reload()`. */
  readonly goodbye?: Cannot
  /** Requests with content are safe while it says goodbye, unless it says why not. */
  readonly contentAtGoodbye?: Cannot
}

const behind = { upload: { path: '/behind/length', answers: 'length' }, responseTrailers: '/behind/trailers' } as const
const megabyte = { path: '/behind/fields/90/12000', bytes: 90 * 12_000 }
/** Many short ones: nghttp2 counts 12 bytes for each beside name and value, RFC 9113 §6.5.2 counts 32. */
const manyShort = 3_000
const nghttp2 = 'nghttp2 sends no field block that could be over 64 KiB'

export const peers = {
  nghttpd: {
    start: (options) => startNghttpd({ ...options, flags: ['--echo-upload', '--trailer', 'x-checksum: 1234'] }),
    upload: { path: '/upload', answers: 'body' },
    responseTrailers: '/small.txt',
    requestTrailers: { because: 'nghttpd drops them and does not say that they came' },
    fields: { path: '/1m.bin', bytes: manyShort * 36, because: `${nghttp2}, and nghttpd can be given trailers only` },
    startWithFields: (options) => startNghttpd({ ...options, flags: shortTrailers() }),
    goodbye: { because: 'nghttpd knows no graceful stop: it goes without GOAWAY' },
  },
  nginx: {
    ...behind,
    start: startNginx,
    // Its proxy drops the trailers of the server behind, the directive add_trailer does not.
    responseTrailers: '/trailers',
    requestTrailers: { because: 'nginx 1.22 takes them for an error of the connection' },
    fields: megabyte,
  },
  h2o: {
    ...behind,
    start: startH2o,
    responseTrailers: { because: 'h2o 2.2 drops the trailers of the server behind and has none of its own' },
    requestTrailers: { because: 'h2o 2.2 drops them' },
    fields: megabyte,
  },
  apache: {
    ...behind,
    start: startApache,
    // Its proxy drops them; its own handlers see them.
    requestTrailers: { path: '/trailers', whole: true },
    fields: { path: `/behind/fields/${manyShort}/1`, bytes: manyShort * 36, because: nghttp2 },
    contentAtGoodbye: {
      because: 'Apache 2.4 ends a connection on which DATA arrives while it says goodbye ("The user callback function failed")',
    },
  },
  haproxy: { ...behind, start: startHaproxy, requestTrailers: { path: '/behind/trailers' }, fields: megabyte },
  caddy: {
    ...behind,
    start: startCaddy,
    requestTrailers: { because: 'Caddy 2.6 announces them to the server behind and then sends none' },
    fields: megabyte,
  },
  node: { ...behind, start: startNode, requestTrailers: { path: '/behind/trailers' }, fields: megabyte },
} satisfies Record<string, Peer>

export const peerList: readonly (readonly [string, Peer])[] = Object.entries(peers)

function shortTrailers(): string[] {
  return Array.from({ length: manyShort }, (_, at) => ['--trailer', `x-${at}: v`]).flat()
}
