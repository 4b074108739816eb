/** The two sides of the comparison, and the messages between their processes. */

/** `https://o0.many.example` to `https://o9999.many.example`: one wildcard, one address. */
export const ORIGINS = 10_000
export const CERTIFICATE_NAMES: readonly string[] = ['*.many.example']
export const PATH = '/small.txt'
export const TEXT = 'hello\n'
export const IN_FLIGHT = 100

export function urls(origins: number, port: number): string[] {
  return Array.from({ length: origins }, (_, i) => `https://o${i}.many.example:${port}${PATH}`)
}

/** Message from the server process. */
export interface Server {
  readonly name: string
  readonly port: number
  readonly ca: string
}

/** Message to a client process. */
export interface Assignment {
  readonly origins: number
  readonly port: number
  readonly ca: string
  readonly seconds: number
  readonly warmupSeconds: number
}

/** Result of a client process. */
export interface Turn {
  readonly cpuMicrosPerRequest: number
  readonly requestsPerSecond: number
  /**
   * Heap bytes after garbage collection per origin beyond the first; undefined with only one
   * origin.
   */
  readonly bytesPerOrigin?: number
  /** Number of connections opened. */
  readonly connections: number
  readonly errors: number
  readonly firstError?: string
}
