export * from '@unshard/adapters/connect'
