export * from '@unshard/adapters/undici'
