/** What the two sides of the comparison are, and what their processes tell each other. */

/** `https://o0.many.example` to `https://o9999.many.example`: one wildcard, one address. */
export const ORIGINS = 10_000
export const CERTIFICATE_NAMES: readonly string[] = ['*.many.example']
export const PATH = '/small.txt'
export const TEXT = 'hello\n'
export const IN_FLIGHT = 100

export function urls(origins: number, port: number): string[] {
  return Array.from({ length: origins }, (_, i) => `https://o${i}.many.example:${port}${PATH}`)
}

/** What the servers' process tells. */
export interface Server {
  readonly name: string
  readonly port: number
  readonly ca: string
}

/** What a client's process is told. */
export interface Assignment {
  readonly origins: number
  readonly port: number
  readonly ca: string
  readonly seconds: number
  readonly warmupSeconds: number
}

/** What it answers. */
export interface Turn {
  readonly cpuMicrosPerRequest: number
  readonly requestsPerSecond: number
  /** On the heap, after garbage collection, for each origin beyond the first; undefined where there is only one. */
  readonly bytesPerOrigin?: number
  /** Connections made, in all. */
  readonly connections: number
  readonly errors: number
  readonly firstError?: string
}
