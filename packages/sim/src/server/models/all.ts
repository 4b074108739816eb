/**
 * Models of real servers. `pnpm sim:models` compares them with the programs; sources of those that
 * cannot run here: /docs/contributing/simulation.md.
 */

import type { ServerModel } from '../model.js'

const KIB_64 = 65_535
/** No SETTINGS_MAX_CONCURRENT_STREAMS. */
const UNLIMITED = 4_294_967_295

export const MODELS: Readonly<Record<string, ServerModel>> = {
  nginx: {
    name: 'nginx',
    h2: {
      ...{ maxConcurrentStreams: 128, streamWindowBytes: 65_536, connectionWindowBytes: 0x7fff_ffff },
      ...{ credit: 'unlimited', shutdown: 'last', maxRequests: 1_000, idleMs: 75_000 },
    },
    h1: { idleMs: 75_000, maxRequests: 1_000, chunks: true },
    unknownHost: 'serve',
    lingerMs: 5_000,
  },
  /**
   * net/http has no idle time by default; this one is Traefik's. Handlers that read uploads in pieces of 4 KiB.
   */
  go: {
    name: 'go',
    h2: {
      ...{ maxConcurrentStreams: 250, streamWindowBytes: 1_048_576, connectionWindowBytes: 1_048_576 },
      ...{ credit: 'per-read', readBytes: 4_096, shutdown: 'last', idleMs: 180_000 },
    },
    h1: { idleMs: 180_000, chunks: true },
    unknownHost: 404,
    lingerMs: 1_000,
  },
  /** The age is unlimited by default, and limited where a balancer shall see new connections. */
  grpc: {
    name: 'grpc',
    h2: {
      ...{ maxConcurrentStreams: UNLIMITED, streamWindowBytes: KIB_64, connectionWindowBytes: KIB_64 },
      ...{ credit: 'half', shutdown: 'twice', maxAgeMs: 300_000, ageGraceMs: 60_000, pingIntervalMs: 300_000 },
    },
    unknownHost: 404,
    lingerMs: 1_000,
  },
  /**
   * node:http2 and node:https: the HTTP/1.1 beside node:http2 (`allowHTTP1`) has no idle time of its own.
   */
  node: {
    name: 'node',
    h2: {
      ...{ maxConcurrentStreams: UNLIMITED, streamWindowBytes: KIB_64, connectionWindowBytes: KIB_64 },
      ...{ credit: 'half', shutdown: 'last', maxResets: 1_000 },
    },
    h1: { idleMs: 5_000, announces: true, chunks: true },
    unknownHost: 'serve',
    lingerMs: Number.POSITIVE_INFINITY,
  },
  /** A host that needs other TLS settings than the connection has is answered with 421. */
  apache: {
    name: 'apache',
    h2: {
      ...{ maxConcurrentStreams: 100, streamWindowBytes: KIB_64, connectionWindowBytes: 0x7fff_ffff },
      ...{ credit: 'half', shutdown: 'notice', maxResets: 1_000, idleMs: 5_000 },
    },
    h1: { idleMs: 5_000, maxRequests: 101, announces: true, chunks: true },
    unknownHost: 421,
    lingerMs: 2_000,
  },
  /**
   * A default backend serves every host; it has no idle time by default: `timeout client` is 60 s here.
   */
  haproxy: {
    name: 'haproxy',
    h2: {
      ...{ maxConcurrentStreams: 100, streamWindowBytes: KIB_64, connectionWindowBytes: 0x7fff_ffff },
      ...{ opensWithData: true, credit: 'at-once', shutdown: 'max', idleMs: 60_000 },
    },
    h1: { idleMs: 60_000, chunks: true },
    unknownHost: 'serve',
    lingerMs: 0,
  },
  h2o: {
    name: 'h2o',
    h2: {
      ...{ maxConcurrentStreams: 100, streamWindowBytes: 16_777_216, connectionWindowBytes: 16_777_216 },
      ...{ opensWithData: true, credit: 'half', shutdown: 'twice', idleMs: 10_000 },
    },
    h1: { idleMs: 10_000, chunks: true },
    unknownHost: 'serve',
    lingerMs: 0,
  },
  /** As an edge proxy: its documentation recommends these windows and streams. */
  envoy: {
    name: 'envoy',
    h2: {
      ...{ maxConcurrentStreams: 100, streamWindowBytes: 65_536, connectionWindowBytes: 1_048_576 },
      ...{ credit: 'half', shutdown: 'twice', noticeMs: 5_000, idleMs: 3_600_000, maxWindowUpdates: 10 },
    },
    h1: { idleMs: 3_600_000, chunks: true },
    unknownHost: 404,
    lingerMs: 1_000,
  },
  alb: {
    name: 'alb',
    h2: {
      ...{ maxConcurrentStreams: 128, streamWindowBytes: 65_536, connectionWindowBytes: 65_536 },
      ...{ credit: 'half', shutdown: 'open', maxRequests: 10_000, idleMs: 60_000 },
    },
    h1: { idleMs: 60_000, chunks: true },
    unknownHost: 'serve',
    lingerMs: 1_000,
  },
  /** As a proxy, and told to compare hosts with the name of the handshake (`strict_sni_host`). */
  caddy: {
    name: 'caddy',
    h2: {
      ...{ maxConcurrentStreams: 250, streamWindowBytes: 1_048_576, connectionWindowBytes: 1_048_576 },
      ...{ credit: 'at-once', shutdown: 'last', idleMs: 300_000 },
    },
    h1: { idleMs: 300_000, chunks: true },
    unknownHost: 421,
    lingerMs: 1_000,
  },
  apns: {
    name: 'apns',
    h2: {
      ...{ maxConcurrentStreams: 1_000, streamWindowBytes: KIB_64, connectionWindowBytes: KIB_64 },
      ...{ credit: 'at-once', shutdown: 'last', idleMs: 3_600_000, pingIntervalMs: 60_000 },
    },
    unknownHost: 421,
    lingerMs: 1_000,
  },
  nghttpd: {
    name: 'nghttpd',
    h2: {
      ...{ maxConcurrentStreams: 100, streamWindowBytes: KIB_64, connectionWindowBytes: KIB_64 },
      ...{ credit: 'half', shutdown: 'bare', maxResets: 1_000 },
    },
    unknownHost: 'serve',
    lingerMs: 0,
  },
  old: {
    name: 'old',
    h1: { idleMs: 15_000, chunks: false },
    unknownHost: 'serve',
    lingerMs: 0,
  },
}

/** @throws Error for a name that is not in the table. */
export function modelNamed(name: string): ServerModel {
  const model = MODELS[name]
  if (model === undefined) throw new Error(`"${name}" is not a server model: use one of ${Object.keys(MODELS).join(', ')}`)
  return model
}
