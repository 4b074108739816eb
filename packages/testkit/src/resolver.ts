// Name resolution from a table, in the form of the option `lookup` of net.connect. Tests change
// `.table` to rotate answers and read `.calls` to see which hosts were resolved.
import type { LookupAddress, LookupOptions } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'

export interface StaticLookup extends LookupFunction {
  /** All resolved hosts, in order. */
  readonly calls: string[]
  /**
   * Host (lower case) → address or addresses, in order of preference. May be changed at any time.
   */
  readonly table: Record<string, string | readonly string[]>
}

type Callback = Parameters<LookupFunction>[2]

/**
 * An unknown host, or one without an address of the requested family, fails with ENOTFOUND; an IP
 * literal resolves to itself.
 */
export function staticLookup(entries: Readonly<Record<string, string | readonly string[]>> = {}): StaticLookup {
  const calls: string[] = []
  const table: Record<string, string | readonly string[]> = { ...entries }
  const lookup = (hostname: string, options: LookupOptions | Callback, last?: Callback): void => {
    const callback = typeof options === 'function' ? options : last!
    const { all = false, family } = typeof options === 'function' ? ({} as LookupOptions) : options
    calls.push(hostname)
    const found = addressesOf(table, hostname.toLowerCase()).filter((each) => matches(each, family))
    // Like dns.lookup, never calls back synchronously.
    process.nextTick(() => {
      const first = found[0]
      if (first === undefined) callback(notFound(hostname), all ? [] : '', 0)
      else if (all) callback(null, found)
      else callback(null, first.address, first.family)
    })
  }
  return Object.assign(lookup, { calls, table })
}

function addressesOf(table: StaticLookup['table'], hostname: string): LookupAddress[] {
  const entry = Object.hasOwn(table, hostname) ? table[hostname]! : isIP(hostname) !== 0 ? hostname : []
  return [entry].flat().map((address) => ({ address, family: isIP(address) }))
}

function matches({ family }: LookupAddress, wanted: LookupOptions['family']): boolean {
  if (wanted === undefined || wanted === 0) return true
  return family === (wanted === 'IPv4' ? 4 : wanted === 'IPv6' ? 6 : wanted)
}

function notFound(hostname: string): NodeJS.ErrnoException {
  const error = new Error(`getaddrinfo ENOTFOUND ${hostname}`)
  return Object.assign(error, { code: 'ENOTFOUND', errno: -3008, syscall: 'getaddrinfo', hostname })
}
