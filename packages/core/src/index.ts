export { type Abortable, AbortHandle, abortReason, link as linkAbort, unlink as unlinkAbort } from './abort.js'
export {
  Client,
  type ClientStats,
  type ClientTraits,
  type CloseOptions,
  type ConnectionStats,
  type IsolationOptions,
  traitsOf,
  type WarmResult,
} from './client.js'
export type { SocketEndpoint, SocketsOption } from './connect/given-sockets.js'
export type { ProxyOption } from './connect/proxy/choice.js'
export type { ProxyOptions, ProxySetting } from './connect/proxy/settings.js'
export type { ClientTlsOptions, TlsOptions } from './connect/tls-options.js'
export type {
  Address,
  Certificate,
  Connection,
  ConnectionState,
  Exchange,
  ExchangeObserver,
  Loss,
  Route,
  Target,
  TargetProxy,
} from './connection.js'
export { type Clock, type ClockTimer, systemClock } from './deadlines.js'
export type { CoalescedEvent, DeclinedEvent, MisdirectedEvent } from './diagnostics.js'
export { ERROR_CODES, type UnshardCode } from './error-codes.js'
export * from './errors.js'
export { ConnectionHandle, type HandleOptions } from './handle.js'
export { expectErrors, type RequestBody } from './message/content.js'
export { Fields, type FieldsInit, fieldList } from './message/fields.js'
export { type Origin, parseOrigin, type SerializedOrigin } from './message/origin.js'
export type { Priority } from './message/priority.js'
export {
  type HttpRequest,
  ownRequest,
  REQUEST_MEMBERS,
  type RequestOptions,
  type RetryPolicy,
  type Timeouts,
} from './message/request.js'
export { type ConnectionInfo, HttpResponse, type Timings } from './message/response.js'
export { inRange, isIterable, ownOptions, refuseUnknown, shownValue } from './option-checks.js'
export { type ClientOptions, DEFAULT_TIMEOUTS } from './options.js'
export type { ExplainedCandidate, Explanation } from './pool/explain.js'
export { type Dial, isConnection, type ReusePolicy, sameOrigin, type Verdict } from './pool/reuse-policy.js'
export type {
  KeepaliveOptions,
  PoolSettings,
  ProtocolName,
  ResolvedPoolSettings,
  Strategy,
  StrategyCandidate,
} from './pool-settings.js'
export { type PoolStats, Pools, type ResizeOptions } from './pools.js'
