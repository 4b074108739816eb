export * from '@unshard/adapters/prometheus'
