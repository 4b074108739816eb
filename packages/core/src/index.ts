export {
  Client,
  type ClientStats,
  type CloseOptions,
  type ConnectionStats,
  type IsolationOptions,
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
export {
  ConnectError,
  ConnectionError,
  type ConnectPhase,
  type ErrorDetails,
  type Initiator,
  type Processed,
  ResponseError,
  StreamError,
  TimeoutError,
  type TimeoutPhase,
  TransportError,
  UnshardError,
  UsageError,
} from './errors.js'
export { ConnectionHandle, type HandleOptions } from './handle.js'
export type { RequestBody } from './message/content.js'
export { Fields, type FieldsInit } from './message/fields.js'
export { type Origin, parseOrigin, type SerializedOrigin } from './message/origin.js'
export type { Priority } from './message/priority.js'
export * from './message/reasons.js'
export type { HttpRequest, RequestOptions, RetryPolicy, Timeouts } from './message/request.js'
export { type ConnectionInfo, HttpResponse, type Timings } from './message/response.js'
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
