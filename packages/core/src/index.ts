export type {
  Address,
  Certificate,
  Connection,
  ConnectionState,
  Exchange,
  ExchangeObserver,
  Route,
} from './connection.js'
export * from './errors.js'
export type { Origin, SerializedOrigin } from './message/origin.js'
export { parseOrigin } from './message/origin.js'
export { type Dial, isConnection, type ReusePolicy, sameOrigin, type Target, type Verdict } from './pool/reuse-policy.js'
