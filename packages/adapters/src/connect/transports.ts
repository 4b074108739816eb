/** The transports of Connect-ES over a client. Its own code speaks the protocols; this one chooses how content is sent. */

import type { Transport } from '@connectrpc/connect'
import type { CommonTransportOptions } from '@connectrpc/connect/protocol'
import { createTransport as connectTransport } from '@connectrpc/connect/protocol-connect'
import { createTransport as grpcTransport } from '@connectrpc/connect/protocol-grpc'
import { createTransport as grpcWebTransport } from '@connectrpc/connect/protocol-grpc-web'
import type { Client } from '@unshard/core'
import {
  type CheckedOptions,
  CONNECT_TRANSPORT_OPTIONS,
  type ConnectTransportOptions,
  checkTransportOptions,
  RPC_TRANSPORT_OPTIONS,
  type RpcTransportOptions,
} from './transport-options.js'
import { CONNECT, GRPC, GRPC_WEB, type UnaryProtocol } from './unary-protocols.js'
import { UnaryShortcut } from './unary-shortcut.js'
import { streamingClient } from './universal-client.js'

/**
 * Creates a transport for the Connect protocol, over HTTP/2 or HTTP/1.1. Calls that send and receive at the same time
 * need HTTP/2.
 * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`, `ERR_INVALID_URL`.
 */
export function createConnectTransport(client: Client, options: ConnectTransportOptions): Transport {
  const checked = checkTransportOptions(options, CONNECT_TRANSPORT_OPTIONS, 'createConnectTransport()')
  return transportOf(client, checked, connectTransport, CONNECT)
}

/**
 * Creates a transport for the gRPC protocol, which needs HTTP/2. For a server without TLS, create the client with
 * `cleartextProtocol: 'h2'`.
 * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`, `ERR_INVALID_URL`.
 */
export function createGrpcTransport(client: Client, options: RpcTransportOptions): Transport {
  const checked = checkTransportOptions(options, RPC_TRANSPORT_OPTIONS, 'createGrpcTransport()')
  return transportOf(client, checked, grpcTransport, GRPC)
}

/**
 * Creates a transport for the gRPC-Web protocol, over HTTP/2 or HTTP/1.1.
 * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`, `ERR_INVALID_URL`.
 */
export function createGrpcWebTransport(client: Client, options: RpcTransportOptions): Transport {
  const checked = checkTransportOptions(options, RPC_TRANSPORT_OPTIONS, 'createGrpcWebTransport()')
  return transportOf(client, checked, grpcWebTransport, GRPC_WEB)
}

/** Two transports: Connect-ES does not tell the HTTP client which calls have one message each way. */
function transportOf(
  client: Client,
  checked: CheckedOptions,
  create: (options: CommonTransportOptions) => Transport,
  protocol: UnaryProtocol,
): Transport {
  const { interceptor, httpClient } = new UnaryShortcut(client, checked, protocol)
  const unary = create({ ...checked, interceptors: [...checked.interceptors, interceptor], httpClient })
  const streams = create({ ...checked, httpClient: streamingClient(client, protocol.http2Only) })
  return { unary: unary.unary.bind(unary), stream: streams.stream.bind(streams) }
}
