export * from '@unshard/adapters/web-socket'
