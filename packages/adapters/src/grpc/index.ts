/** gRPC over a client: channels for clients of `@grpc/grpc-js`, and a client of our own. */

export { channel, channelFactory, type GrpcChannel, type GrpcChannelFactory } from './channel/channel.js'
export type { ChannelOwnOptions } from './channel/channel-settings.js'
export { type AnyMethod, type GrpcClient, grpcClient } from './client/client.js'
export type { GrpcMethodDefinition, ProtobufFunctions, ProtobufMethod } from './client/definition.js'
export { GrpcError } from './client/grpc-error.js'
export type { Messages } from './client/message-source.js'
export type { CallMetadata, MetadataInput, MetadataValue } from './client/metadata.js'
export type { GrpcCallOptions, GrpcClientOptions } from './client/options.js'
export type { RetryPolicyConfig, ServiceConfig } from './client/retry-policy.js'
export type { GrpcStream } from './client/streaming-call.js'
export type { GrpcResponse } from './client/unary-call.js'
export { Status, type StatusName } from './status.js'
