export type { FetchBodyInit } from './body.js'
export { fetch } from './default.js'
export { createFetch, type Fetch } from './fetch.js'
export type { FetchInit } from './request.js'
