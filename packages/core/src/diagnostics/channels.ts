/**
 * Every channel on `node:diagnostics_channel` that a client publishes to. Those of undici have the
 * names and messages that instrumentations of Node's fetch read.
 */

import { type Channel, channel, type TracingChannel, tracingChannel } from 'node:diagnostics_channel'

type ChannelsName =
  | 'coalesced'
  | 'declined'
  | 'misdirected'
  | 'negotiate'
  | 'goaway'
  | 'ping'
  | 'drain'
  | 'closed'
  | 'reused'
  | 'replay'
  | 'retry'
  | 'content'
  | 'bytes'

/** Plain channels: one message for each event. */
export const CHANNELS: { readonly [Name in ChannelsName]: Channel } = {
  coalesced: channel('unshard:coalesced'),
  declined: channel('unshard:declined'),
  misdirected: channel('unshard:misdirected'),
  negotiate: channel('unshard:negotiate'),
  goaway: channel('unshard:goaway'),
  ping: channel('unshard:ping'),
  drain: channel('unshard:drain'),
  closed: channel('unshard:closed'),
  reused: channel('unshard:reused'),
  replay: channel('unshard:replay'),
  retry: channel('unshard:retry'),
  content: channel('unshard:content'),
  bytes: channel('unshard:bytes'),
}

type OperationsName = 'request' | 'queue' | 'resolve' | 'connect' | 'tls' | 'send' | 'receive' | 'body'

/** Operations: a {@link TracingChannel} each, with `start`, `end`, `asyncStart`, `asyncEnd` and `error`. */
export const OPERATIONS: { readonly [Name in OperationsName]: TracingChannel } = {
  request: tracingChannel('unshard:request'),
  queue: tracingChannel('unshard:queue'),
  resolve: tracingChannel('unshard:resolve'),
  connect: tracingChannel('unshard:connect'),
  tls: tracingChannel('unshard:tls'),
  send: tracingChannel('unshard:send'),
  receive: tracingChannel('unshard:receive'),
  body: tracingChannel('unshard:body'),
}

type UndiciName =
  | 'create'
  | 'bodySent'
  | 'headers'
  | 'trailers'
  | 'error'
  | 'sendHeaders'
  | 'beforeConnect'
  | 'connected'
  | 'connectError'

/** The channels of undici. */
export const UNDICI: { readonly [Name in UndiciName]: Channel } = {
  create: channel('undici:request:create'),
  bodySent: channel('undici:request:bodySent'),
  headers: channel('undici:request:headers'),
  trailers: channel('undici:request:trailers'),
  error: channel('undici:request:error'),
  sendHeaders: channel('undici:client:sendHeaders'),
  beforeConnect: channel('undici:client:beforeConnect'),
  connected: channel('undici:client:connected'),
  connectError: channel('undici:client:connectError'),
}

/** Whether an operation has a subscriber. */
export function isWatched({ start, end, asyncStart, asyncEnd, error }: TracingChannel): boolean {
  return (
    start.hasSubscribers || end.hasSubscribers || asyncStart.hasSubscribers || asyncEnd.hasSubscribers || error.hasSubscribers
  )
}
