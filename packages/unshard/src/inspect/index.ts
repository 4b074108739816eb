export * from '@unshard/adapters/inspect'
