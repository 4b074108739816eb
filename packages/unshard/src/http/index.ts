export * from '@unshard/adapters/http'
