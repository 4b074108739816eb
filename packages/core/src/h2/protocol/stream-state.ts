/**
 * The stream state machine (RFC 9113 §5.1) of a client without push, so without reserved states.
 *
 *                     send HEADERS
 *              idle ───────────────► open
 *                                   ╱    ╲
 *                send END_STREAM  ╱        ╲  receive END_STREAM
 *                               ▼            ▼
 *               half-closed (local)      half-closed (remote)
 *                               ╲            ╱
 *            receive END_STREAM   ╲        ╱  send END_STREAM
 *                                   ▼    ▼
 *                                   closed        (from anywhere: RST_STREAM, either way)
 */

/** Stream states (RFC 9113 §5.1). */
export const StreamState = { IDLE: 0, OPEN: 1, HALF_CLOSED_LOCAL: 2, HALF_CLOSED_REMOTE: 3, CLOSED: 4 } as const
export type StreamState = (typeof StreamState)[keyof typeof StreamState]

/** Inputs of the state machine. END is the END_STREAM flag, applied after its frame. */
export const StreamInput = {
  SEND_HEADERS: 0,
  SEND_DATA: 1,
  SEND_END: 2,
  RECEIVE_HEADERS: 3,
  RECEIVE_DATA: 4,
  RECEIVE_END: 5,
  RESET: 6,
} as const
export type StreamInput = (typeof StreamInput)[keyof typeof StreamInput]

/**
 * Result for an invalid input: a local bug, or a peer's PROTOCOL_ERROR (idle) or STREAM_CLOSED
 * (later).
 */
export const REFUSED = 255
const INPUTS = 7
const X = REFUSED

// biome-ignore format: one row per state, one column per input
const TABLE = Uint8Array.from([
  //             send: HEADERS  DATA  END    receive: HEADERS  DATA  END    RESET
  /* idle        */ 1,       X,    X,               X,       X,    X,     X,
  /* open        */ 1,       1,    2,               1,       1,    3,     4,
  /* half (local)*/ X,       X,    X,               2,       2,    4,     4,
  /* half (remot)*/ 3,       3,    4,               X,       X,    X,     4,
  /* closed      */ X,       X,    X,               X,       X,    X,     4,
])

/** Returns the state after `input`, or {@link REFUSED}. */
export function nextState(state: StreamState, input: StreamInput): StreamState | typeof REFUSED {
  return TABLE[state * INPUTS + input] as StreamState | typeof REFUSED
}
