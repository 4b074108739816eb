/** Options of the commands that connect: addresses of hosts, trusted authorities, and deadlines. */

import { type LookupAddress, type LookupOptions, lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import type { ClientOptions } from '@unshard/core'
import type { Command } from 'commander'
import { invalidValue } from './errors.js'
import { collected, fileOf, hostOf, millisecondsOf } from './values.js'

/** Values of the command line. */
export interface ConnectingValues {
  readonly resolve: readonly string[]
  readonly cacert?: string
  readonly timeout: string
}

/** Checked values. */
export interface Connecting {
  /** Fixed addresses of names, which are not resolved. */
  readonly resolve: ReadonlyMap<string, readonly string[]>
  /** Certificates of authorities in PEM, instead of Node's. */
  readonly ca: string | undefined
  readonly timeoutMs: number
}

/** Adds the options to a command. */
export function withConnecting(command: Command): Command {
  return command
    .option('--resolve <host=address,…>', 'use these addresses for this host; may be repeated', collected, [])
    .option('--cacert <file>', "trust these authorities (PEM) instead of Node's")
    .option('--timeout <seconds>', 'for each connection and for each response', '10')
}

/** Checks the values. @throws CommandError. */
export function connectingOf({ resolve, cacert, timeout }: ConnectingValues): Connecting {
  const timeoutMs = millisecondsOf('--timeout', timeout)
  if (timeoutMs === 0) throw invalidValue('--timeout', 'seconds above 0', timeout)
  return {
    timeoutMs,
    resolve: new Map(resolve.map(parseResolve)),
    ca: cacert === undefined ? undefined : fileOf('--cacert', cacert).toString(),
  }
}

/** Converts the values to client options. */
export function clientOptions({ ca, resolve, timeoutMs }: Connecting): ClientOptions {
  return {
    ...(ca === undefined ? {} : { tls: { ca } }),
    ...(resolve.size === 0 ? {} : { lookup: lookupOf(resolve) }),
    timeouts: { connect: timeoutMs, headers: timeoutMs, body: timeoutMs },
  }
}

function parseResolve(text: string): [host: string, addresses: string[]] {
  const equals = text.indexOf('=')
  const addresses = text.slice(equals + 1).split(',')
  const host = equals < 1 ? undefined : hostOf(text.slice(0, equals))
  if (host === undefined || addresses.some((address) => isIP(address) === 0)) {
    throw invalidValue('--resolve', 'HOST=ADDRESS[,ADDRESS…]', text)
  }
  return [host, addresses]
}

/** Names in the table are not resolved by any other means. */
function lookupOf(table: ReadonlyMap<string, readonly string[]>): LookupFunction {
  return (host, options: LookupOptions, callback) => {
    const found = table.get(host)
    if (found === undefined) return systemLookup(host, options, callback as never)
    const answer: LookupAddress[] = found.map((address) => ({ address, family: isIP(address) }))
    process.nextTick(() => callback(null, answer))
  }
}
