/** Targets of gRPC (doc/naming.md) as URLs of this client. */

import { UsageError } from '@unshard/core'
import { shownValue } from '@unshard/core/internal'

/** The default port of gRPC over TLS. */
const DEFAULT_PORT = '443'

/**
 * Returns the base URL of a target: `host:port`, `dns:///host:port`, `ipv4:1.2.3.4:50051`,
 * `ipv6:[::1]:50051` or `unix:/path`. The port is 443 by default.
 * @throws UsageError `ERR_INVALID_URL` for any other target.
 */
export function baseUrlOf(target: string, isSecure: boolean): string {
  const scheme = isSecure ? 'https' : 'http'
  const path = unixPathOf(target)
  if (path !== undefined) return `${scheme}+unix://${encodeURIComponent(path)}`
  const address = hostAndPortOf(target)
  const url = address === undefined ? undefined : parse(`${scheme}://${address}`)
  if (url === undefined || url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '') {
    const forms = 'must be host:port, or dns:, ipv4:, ipv6: or unix: and one address'
    throw new UsageError('ERR_INVALID_URL', `the target ${shownValue(target)} ${forms}`)
  }
  return url.origin
}

function parse(url: string): URL | undefined {
  try {
    return new URL(url)
  } catch {
    return undefined
  }
}

function unixPathOf(target: string): string | undefined {
  if (target.startsWith('unix://')) return target.slice('unix://'.length)
  return target.startsWith('unix:') ? target.slice('unix:'.length) : undefined
}

/** The address of a target, with a port. */
function hostAndPortOf(target: string): string | undefined {
  const colon = target.indexOf(':')
  const scheme = colon === -1 ? '' : target.slice(0, colon)
  let address = target
  if (scheme === 'dns') {
    const rest = target.slice(colon + 1)
    // `dns://authority/host` names a DNS server, which is up to the client.
    if (rest.startsWith('//') && !rest.startsWith('///')) return undefined
    address = rest.replace(/^\/{3}/, '')
  } else if (scheme === 'ipv4' || scheme === 'ipv6') {
    address = target.slice(colon + 1)
    if (address.includes(',')) return undefined
    if (scheme === 'ipv6' && !address.startsWith('[')) address = `[${address}]`
  } else if (SCHEMES.has(scheme)) return undefined
  if (address === '' || address.includes('/') || address.includes(',')) return undefined
  return hasPort(address) ? address : `${address}:${DEFAULT_PORT}`
}

/** Schemes of targets that need a resolver or a load balancer of gRPC. */
const SCHEMES: ReadonlySet<string> = new Set(['xds', 'google-c2p', 'unix-abstract', 'vsock'])

function hasPort(address: string): boolean {
  if (address.startsWith('[')) return address.includes(']:')
  return address.includes(':')
}
