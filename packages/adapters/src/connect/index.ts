/** `unshard/connect`: transports of Connect-ES (`@connectrpc/connect`) that send with a `Client`. */

export { compressionBrotli, compressionGzip } from './compression.js'
export type { ConnectTransportOptions, RpcTransportOptions } from './transport-options.js'
export { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from './transports.js'
export { universalClient } from './universal-client.js'
