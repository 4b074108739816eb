export type { SmithyAbortSignal, SmithyHandleOptions, SmithyRequest, SmithyResponse } from './contract.js'
export { RequestHandlerError } from './errors.js'
export { type RequestHandler, type RequestHandlerOptions, requestHandler, type SmithyLogger } from './request-handler.js'
