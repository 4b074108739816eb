/**
 * The one error of this folder: a field block that cannot be decoded (RFC 7541 §2.3.3, §4.2, §5, §6).
 * It knows nothing of HTTP/2; whoever feeds the decoder turns it into a connection error COMPRESSION_ERROR.
 */

/** A field block that RFC 7541 calls a decoding error. The decoder that threw it is out of step and must not be used again. */
export class HpackError extends Error {
  readonly reason: string

  constructor(reason: string) {
    super(`HPACK: ${reason}`)
    this.name = 'HpackError'
    this.reason = reason
  }
}
