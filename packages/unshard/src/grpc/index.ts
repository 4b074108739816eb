export * from '@unshard/adapters/grpc'
