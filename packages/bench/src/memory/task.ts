/** Subjects of the memory scenario, and the messages between its processes. */

/** `sockets` is the baseline for connections: the same TLS sockets without HTTP. */
export type Weighed = 'connections' | 'sockets' | 'requests' | 'aborts'

export const WEIGHED: readonly Weighed[] = ['connections', 'sockets', 'requests', 'aborts']

/**
 * Measured with the first number, and again with the second number more: one-time costs are
 * excluded.
 */
export const COUNTS: Readonly<Record<Weighed, readonly [number, number]>> = {
  connections: [50, 300],
  sockets: [50, 300],
  requests: [1_000, 10_000],
  aborts: [20_000, 100_000],
}

export const HOST_SUFFIX = 'memory.example'
export const PATH = '/small.txt'
export const TEXT = 'hello\n'
/** Never answered. */
export const HELD_PATH = '/held'

/** Message of the server process. */
export interface MemoryServers {
  readonly ca: string
  /** nghttpd, or its replacement. */
  readonly name: string
  readonly port: number
  /** Port of node:http2, which holds requests. */
  readonly heldPort: number
}

export interface MemoryAssignment {
  readonly weighed: Weighed
  readonly port: number
  readonly ca: string
}

export interface MemoryTurn {
  /** Bytes each, on the heap and outside of it. */
  readonly bytesEach: number
  readonly errors: number
  readonly firstError?: string
}
