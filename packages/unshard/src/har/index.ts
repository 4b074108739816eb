export * from '@unshard/adapters/har'
