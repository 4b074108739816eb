/** Models of real servers. Sources: /docs/contributing/simulation.md. */

import type { ServerModel } from '../model.js'

const KIB_64 = 65_535

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
  grpc: {
    name: 'grpc',
    h2: {
      ...{ maxConcurrentStreams: 100, streamWindowBytes: KIB_64, connectionWindowBytes: KIB_64 },
      ...{ credit: 'half', shutdown: 'twice', maxAgeMs: 300_000, ageGraceMs: 60_000, pingIntervalMs: 300_000 },
    },
    unknownHost: 404,
    lingerMs: 1_000,
  },
  node: {
    name: 'node',
    h2: {
      ...{ maxConcurrentStreams: 4_294_967_295, streamWindowBytes: KIB_64, connectionWindowBytes: KIB_64 },
      ...{ credit: 'half', shutdown: 'last', maxResets: 1_000 },
    },
    h1: { idleMs: 5_000, announces: true, chunks: true },
    unknownHost: 'serve',
    lingerMs: Number.POSITIVE_INFINITY,
  },
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
  envoy: {
    name: 'envoy',
    h2: {
      ...{ maxConcurrentStreams: 100, streamWindowBytes: 65_536, connectionWindowBytes: 1_048_576 },
      ...{ credit: 'half', shutdown: 'twice', idleMs: 3_600_000, maxWindowUpdates: 10 },
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
      ...{ credit: 'half', shutdown: 'bare', maxResets: 1_000, idleMs: 60_000 },
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
