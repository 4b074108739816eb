/**
 * The error for a field block that cannot be decoded (RFC 7541 §2.3.3, §4.2, §5, §6).
 * Must not know HTTP/2; the caller turns it into a connection error COMPRESSION_ERROR.
 */

/**
 * A decoding error (RFC 7541). The decoder that threw it is out of sync and must not be used again.
 */
export class HpackError extends Error {
  readonly reason: string

  constructor(reason: string) {
    super(`HPACK: ${reason}`)
    this.name = 'HpackError'
    this.reason = reason
  }
}
