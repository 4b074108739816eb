/** Options of a probe. */
export interface ProbeOptions {
  /** Send requests and compare the responses. */
  readonly send: boolean
  /** Path of those requests. */
  readonly path: string
  /** Fixed addresses of names, which are not resolved. */
  readonly resolve: ReadonlyMap<string, readonly string[]>
  /** Certificates of authorities in PEM, instead of Node's. */
  readonly ca: string | undefined
  readonly timeoutMs: number
}
