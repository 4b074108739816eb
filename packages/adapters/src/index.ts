export * from './fetch/index.js'
export type { Part } from './multipart/index.js'
export * from './streams/index.js'
export {
  type ComposedDispatcher,
  DispatchError,
  type DispatchErrorCode,
  Dispatcher,
  type DispatcherOptions,
  installGlobalDispatcher,
} from './undici/index.js'
