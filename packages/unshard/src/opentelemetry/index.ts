export * from '@unshard/adapters/opentelemetry'
