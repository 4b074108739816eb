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
import { unaryClient, universalClient } from './universal-client.js'

/**
 * Creates a transport for the Connect protocol, over HTTP/2 or HTTP/1.1. Calls that send and receive at the same time
 * need HTTP/2.
 * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`, `ERR_INVALID_URL`.
 */
export function createConnectTransport(client: Client, options: ConnectTransportOptions): Transport {
  const checked = checkTransportOptions(options, CONNECT_TRANSPORT_OPTIONS, 'createConnectTransport()')
  return transportOf(client, checked, connectTransport)
}

/**
 * Creates a transport for the gRPC protocol, which needs HTTP/2. For a server without TLS, create the client with
 * `cleartextProtocol: 'h2'`.
 * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`, `ERR_INVALID_URL`.
 */
export function createGrpcTransport(client: Client, options: RpcTransportOptions): Transport {
  const checked = checkTransportOptions(options, RPC_TRANSPORT_OPTIONS, 'createGrpcTransport()')
  return transportOf(client, checked, grpcTransport)
}

/**
 * Creates a transport for the gRPC-Web protocol, over HTTP/2 or HTTP/1.1.
 * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`, `ERR_INVALID_URL`.
 */
export function createGrpcWebTransport(client: Client, options: RpcTransportOptions): Transport {
  const checked = checkTransportOptions(options, RPC_TRANSPORT_OPTIONS, 'createGrpcWebTransport()')
  return transportOf(client, checked, grpcWebTransport)
}

/** The protocol cannot tell the HTTP client which calls have one message: two transports can. */
function transportOf(
  client: Client,
  checked: CheckedOptions,
  createTransport: (options: CommonTransportOptions) => Transport,
): Transport {
  const streaming = createTransport({ ...checked, httpClient: universalClient(client) })
  const unary = createTransport({ ...checked, httpClient: unaryClient(client) })
  return { unary: unary.unary.bind(unary), stream: streaming.stream.bind(streaming) }
}
