export * from '@unshard/adapters/multipart'
