export type {
  CallOptions,
  DataCallback,
  PipelineHandler,
  ResponseBody,
  ResponseData,
  StreamData,
  StreamFactory,
  UpgradeData,
} from './api.js'
export type {
  ComposedDispatcher,
  ControllerHandler,
  Dispatch,
  DispatchController,
  DispatchHandler,
  Dispatching,
  DispatchOptions,
  Interceptor,
  RawHandler,
  ResponseFields,
} from './contract.js'
export { Dispatcher, type DispatcherOptions } from './dispatcher.js'
export { DispatchError, type DispatchErrorCode } from './errors.js'
export { installGlobalDispatcher } from './global.js'
