/**
 * Definition of a DNS name: only hosts with such names are coalesced (RFC 9525 §2, RFC 1123 §2.1).
 */

const LABEL = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?'
const DNS_NAME = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`)
/** The WHATWG URL parser treats a host whose last label is a number as an IPv4 address. */
const NUMERIC_END = /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/

/** RFC 1035 §2.3.4, without the empty label of the root. */
const MAX_NAME_BYTES = 253

/**
 * Whether `host` is a DNS name in the form of an origin's host: lower case, A-labels. A trailing
 * dot is refused: it names the same host, but with a different SNI and `:authority` (RFC 6066 §3).
 */
export function isDnsName(host: string): boolean {
  return host.length <= MAX_NAME_BYTES && DNS_NAME.test(host) && !NUMERIC_END.test(host)
}
