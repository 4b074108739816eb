export { createAgent, type HttpAgentOptions } from './agent.js'
export { HttpRequestError } from './errors.js'
export { createHttp, createRequest, get, type HttpModule, type RequestFunction, request } from './request-function.js'
export type { HttpOptions, ResponseCallback } from './target.js'
