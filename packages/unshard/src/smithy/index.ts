export * from '@unshard/adapters/smithy'
