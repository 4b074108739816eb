export * from '@unshard/adapters/streams'
