/** What counts as a DNS name here: only such hosts take part in coalescing (RFC 9525 §2, RFC 1123 §2.1). */

const LABEL = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?'
const DNS_NAME = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`)
/** The WHATWG URL parser takes a host whose last label is a number for an IPv4 address. */
const NUMERIC_END = /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/

/** RFC 1035 §2.3.4, without the root's empty label. */
const MAX_NAME_OCTETS = 253

/**
 * Whether `host` is a DNS name in the form that an origin has: lower case, A-labels. A trailing dot is refused: it names the same
 * host, but is another SNI and another `:authority` (RFC 6066 §3).
 */
export function isDnsName(host: string): boolean {
  return host.length <= MAX_NAME_OCTETS && DNS_NAME.test(host) && !NUMERIC_END.test(host)
}
