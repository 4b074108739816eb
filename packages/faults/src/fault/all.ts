/** All faults by their name in the matrix. */

import { alpn, certificate, dns, noConnection } from './dialing.js'
import type { Fault } from './fault.js'
import { bandwidth, deadAddress, linkDown, loss, oneWay } from './kernel.js'
import { goaway, kill, reload, resetStream, stop } from './server.js'
import { blockedLoop, latency, merged, slices } from './slow.js'
import { blackHole, corrupt, halfClose, reset, tlsEnd, truncate } from './transport.js'

export const FAULTS: Readonly<Record<string, Fault>> = {
  F01: reset,
  F02: halfClose,
  F03: blackHole,
  F04: oneWay,
  F05: loss,
  F06: latency,
  F07: bandwidth,
  F08: slices,
  F09: merged,
  F10: corrupt,
  F11: truncate,
  F12: tlsEnd,
  F13: kill,
  F14: stop,
  F15: reload,
  F16: goaway,
  F17: resetStream,
  F18: dns,
  F19: deadAddress,
  F20: certificate,
  F21: alpn,
  F22: blockedLoop,
  F23: noConnection,
  F24: linkDown,
}
