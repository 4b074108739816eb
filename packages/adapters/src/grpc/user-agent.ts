/** The field `user-agent` of calls (doc/PROTOCOL-HTTP2.md, "User Agents"). */

import { VERSION } from '../har/version.js'

/** Returns the field, between the parts that the caller adds. */
export function userAgent(primary?: string, secondary?: string): string {
  return [primary, `grpc-node-unshard/${VERSION}`, secondary].filter((part) => part !== undefined && part !== '').join(' ')
}
