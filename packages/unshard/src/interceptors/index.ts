export * from '@unshard/adapters/interceptors'
