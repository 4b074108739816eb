/** Ports of the servers of the suites, and the authority of their certificates. */
export interface ServerReport {
  /** PEM. */
  readonly ca: string
  /** PEM of a list that revokes the certificate of `revoked`. */
  readonly crl: string
  /** The certificate names 12 hosts, `h0.named.example` to `h11.named.example`. */
  readonly named: number
  /** The certificate names `*.wild.example`. */
  readonly wild: number
  /** Two certificates at one address: `*.one.example`, and by server name `*.two.example`. */
  readonly apart: number
  /** `*.revoked.example`. */
  readonly revoked: number
  /** HTTP/1.1 only, `*.old.example`. */
  readonly old: number
  /** Cleartext HTTP/1.1. */
  readonly plain: number
  /** As `named`, with an ORIGIN frame that names the first two hosts. */
  readonly origins: number
  /** As `wild`, with at most 10 streams per connection. */
  readonly few: number
}
