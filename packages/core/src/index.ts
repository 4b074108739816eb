export { Client } from './client/client.js'
export { type PoolLimits, type PoolStats, Pools, type ResizeOptions } from './client/client-pools.js'
export type { ClientStats, ConnectionStats } from './client/client-stats.js'
export { ConnectionHandle, type HandleOptions } from './client/connection-handle.js'
export type { CloseOptions, IsolationOptions, PingOptions, WarmResult, WarmTarget } from './client/method-options.js'
export type { ClientOptions } from './client/options.js'
export type { PoolOptions } from './client/pool-options.js'
export type { RequestDefaults } from './client/request-defaults.js'
export { DEFAULT_TIMEOUTS } from './client/timeouts.js'
export { type Credentials, type QueryInit, type VerbOptions, Verbs } from './client/verbs.js'
export type { ProxyOptions, ProxySetting } from './connect/proxy/proxy-options.js'
export type { ProxyOption } from './connect/proxy/proxy-selector.js'
export type { SocketEndpoint, SocketsOption } from './connect/tcp/caller-sockets.js'
export type { ClientTlsOptions, TlsOptions } from './connect/tls/tls-options.js'
export type {
  BodyEvent,
  BytesEvent,
  ClientEvent,
  ClosedEvent,
  CoalescedEvent,
  ConnectEvent,
  ConnectionEvent,
  ContentEvent,
  DeclinedEvent,
  DrainEvent,
  GoawayEvent,
  MisdirectedEvent,
  NegotiateEvent,
  OperationEvent,
  PingEvent,
  QueueEvent,
  ReceiveEvent,
  ReplayEvent,
  RequestContent,
  RequestEvent,
  RequestPartEvent,
  ResolveEvent,
  RetryEvent,
  ReusedEvent,
  SendEvent,
  TlsEvent,
} from './diagnostics/events.js'
export { ERROR_CODES, type ErrorCodeInfo, type RetryAdvice, type UnshardCode } from './errors/codes.js'
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
} from './errors/errors.js'
export type { AddressPolicyOption, AddressRules } from './message/address-policy.js'
export { Fields, type FieldsInit } from './message/fields.js'
export type { FormPart } from './message/form-data.js'
export type { MadeBody, MadeResponse } from './message/made-response.js'
export { type Origin, parseOrigin, type SerializedOrigin } from './message/origin.js'
export type { Priority } from './message/priority.js'
export * from './message/reasons.js'
export type { HttpRequest } from './message/request.js'
export type { RequestBody } from './message/request-content.js'
export type {
  InterceptedRequest,
  Interceptor,
  Next,
  Redirect,
  RequestOptions,
  RetryPolicy,
  Timeouts,
} from './message/request-options.js'
export { type ConnectionInfo, HttpResponse, type Timings } from './message/response.js'
export type { Strategy, StrategyCandidate } from './message/strategy.js'
export type { TlsInfo } from './message/tls-info.js'
export type { ExplainedCandidate, Explanation } from './pool/explain.js'
export { type Dial, isConnection, type ReusePolicy, sameOrigin, type Verdict } from './pool/reuse/reuse-policy.js'
export { type Clock, type ClockTimer, systemClock } from './runtime/clock.js'
export type { DurationStats } from './runtime/durations.js'
export type {
  BackoffOptions,
  KeepaliveOptions,
  PoolSettings,
  ProtocolName,
  ResolvedPoolSettings,
} from './settings/pool-settings.js'
export type { CloseReason, Connection, ConnectionState, ConnectionWatcher, GoawayDetails } from './transport/connection.js'
export type { Exchange, ExchangeObserver, Loss } from './transport/exchange.js'
export type { Address, Certificate, Route } from './transport/route.js'
export type { Target, TargetProxy } from './transport/target.js'
