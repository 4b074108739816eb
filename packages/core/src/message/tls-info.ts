/** The results of a TLS handshake, for `response.connection`. */

/** Facts about the TLS of a connection. */
export interface TlsInfo {
  /** Such as `TLSv1.3`. */
  readonly version: string
  /** Cipher suite by its IANA name, such as `TLS_AES_128_GCM_SHA256`. */
  readonly cipher: string
  /** Key exchange group, such as `X25519MLKEM768`; `undefined` for a resumed session without one. */
  readonly group: string | undefined
  /** Whether a session was resumed, so that the certificate was not sent again. */
  readonly resumed: boolean
}
