export * from '@unshard/adapters/events'
