export { StatusError, type ThrowOnStatusOptions, throwOnStatus } from './throw-on-status.js'
