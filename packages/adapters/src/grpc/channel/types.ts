/**
 * The parts of `@grpc/grpc-js` that a channel meets, by their shape: the channel works with any copy
 * of the library, and imports none.
 */

/** Metadata: `Metadata` of `@grpc/grpc-js`. */
export interface GrpcMetadata {
  toHttp2Headers(): Record<string, unknown>
  getOptions(): { readonly waitForReady?: boolean }
  merge(other: GrpcMetadata): void
  clone(): GrpcMetadata
}

/** `Metadata` as a class. */
export interface GrpcMetadataClass {
  new (): GrpcMetadata
  fromHttp2Headers(headers: Record<string, string | string[]>): GrpcMetadata
}

/** The status of a call, as listeners get it. */
export interface GrpcStatus {
  readonly code: number
  readonly details: string
  readonly metadata: GrpcMetadata
}

/** The listener of a call. */
export interface GrpcListener {
  onReceiveMetadata(metadata: GrpcMetadata): void
  onReceiveMessage(message: unknown): void
  onReceiveStatus(status: GrpcStatus): void
}

/** Options of one message. */
export interface GrpcMessageContext {
  readonly callback?: (error?: Error | null) => void
  /** `WriteFlags`: 2 is `NoCompress`. */
  readonly flags?: number
}

/** Credentials of calls: `CallCredentials`. */
export interface GrpcCallCredentials {
  generateMetadata(options: { method_name: string; service_url: string }): Promise<GrpcMetadata>
  compose(other: object): object
}

/** Credentials of a channel: `ChannelCredentials`. */
export interface GrpcChannelCredentials {
  _isSecure(): boolean
  _createSecureConnector?(target: unknown, options: object): unknown
  _getConnectionOptions?(): unknown
  _getCallCredentials?(): GrpcCallCredentials
}

/** A call of a server, whose cancellation and deadline a call of its handler may take over. */
export interface GrpcParentCall {
  on(event: 'cancelled', listener: () => void): unknown
  removeListener(event: 'cancelled', listener: () => void): unknown
  getDeadline(): Date | number
}

/** The security of a call's connection. */
export interface GrpcAuthContext {
  readonly transportSecurityType?: string
}

/** A call, as `@grpc/grpc-js` drives it. */
export interface GrpcCall {
  cancelWithStatus(status: number, details: string): void
  getPeer(): string
  start(metadata: GrpcMetadata, listener: GrpcListener): void
  sendMessageWithContext(context: GrpcMessageContext, message: Buffer): void
  startRead(): void
  halfClose(): void
  getCallNumber(): number
  setCredentials(credentials: GrpcCallCredentials): void
  getAuthContext(): GrpcAuthContext | null
}
