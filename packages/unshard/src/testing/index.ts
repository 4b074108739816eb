export * from '@unshard/core/testing'
