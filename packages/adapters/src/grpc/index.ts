/** gRPC over a client: channels for `@grpc/grpc-js`. */

export { channel, channelFactory, type GrpcChannel, type GrpcChannelFactory } from './channel/channel.js'
export type { ChannelOwnOptions } from './channel/channel-settings.js'
export { Status } from './status.js'
