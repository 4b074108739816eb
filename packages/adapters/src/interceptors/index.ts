export { type BasicAuthOptions, basicAuth } from './basic-auth.js'
export { type BearerOptions, bearer } from './bearer.js'
export { type RetryOptions, retry } from './retry.js'
export { StatusError, type ThrowOnStatusOptions, throwOnStatus } from './throw-on-status.js'
