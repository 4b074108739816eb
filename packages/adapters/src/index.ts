export * from './fetch/index.js'
export * from './streams/index.js'
export { DispatchError, Dispatcher, type DispatcherOptions, installGlobalDispatcher } from './undici/index.js'
