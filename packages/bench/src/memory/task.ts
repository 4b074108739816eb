/** What is weighed, and what the processes of the memory scenario tell each other. */

/** `sockets` is what connections are compared with: the same TLS sockets with nothing on them. */
export type Weighed = 'connections' | 'sockets' | 'requests' | 'aborts'

export const WEIGHED: readonly Weighed[] = ['connections', 'sockets', 'requests', 'aborts']

/** Weighed when the first number are there, and again when as many more as the second: what comes only once is in neither. */
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

/** What the servers' process tells. */
export interface MemoryServers {
  readonly ca: string
  /** nghttpd, or what stands in for it. */
  readonly name: string
  readonly port: number
  /** node:http2, which holds what it is asked. */
  readonly heldPort: number
}

export interface MemoryAssignment {
  readonly weighed: Weighed
  readonly port: number
  readonly ca: string
}

export interface MemoryTurn {
  /** Octets for each, on the heap and beside it. */
  readonly bytesEach: number
  readonly errors: number
  readonly firstError?: string
}
