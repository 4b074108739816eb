/** How a WebSocket ended. */
export interface CloseOutcome {
  /** Code of the server's Close frame; 1005 for a frame without one, 1006 without a frame (RFC 6455 §7.1.5). */
  readonly code: number
  readonly reason: string
  /** Whether both ends have sent a Close frame. */
  readonly wasClean: boolean
  /** Why it ended, unless it was clean. */
  readonly error: Error | undefined
}
