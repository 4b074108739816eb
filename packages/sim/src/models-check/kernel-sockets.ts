/** Sockets of other processes, as Linux lists them. */

import { readFileSync } from 'node:fs'

/** Fields of a line of /proc/net/tcp: proc(5). */
const LOCAL = 1
const REMOTE = 2
const INODE = 9

/**
 * Whether a process still holds the server's end of a TCP connection over IPv4: a socket that was
 * closed has no inode, also while its last bytes are in flight. `undefined` where that is not
 * listed.
 */
export function isHeld(serverPort: number, clientPort: number): boolean | undefined {
  const lines = readLines()
  return lines?.some((line) => {
    const fields = line.trim().split(/\s+/)
    return portOf(fields[LOCAL]) === serverPort && portOf(fields[REMOTE]) === clientPort && fields[INODE] !== '0'
  })
}

function readLines(): string[] | undefined {
  try {
    return readFileSync('/proc/net/tcp', 'latin1').trimEnd().split('\n').slice(1)
  } catch {
    return undefined
  }
}

function portOf(address = ''): number {
  return Number.parseInt(address.slice(address.indexOf(':') + 1), 16)
}
