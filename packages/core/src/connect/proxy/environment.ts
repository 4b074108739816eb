/** The proxies that the environment names, read once, as curl reads them: which variable counts, in which case, and what it may hold. */

import type { Origin } from '../../message/origin.js'
import { NoProxy } from './no-proxy.js'
import { checkProxy, type ProxyServer } from './proxy-options.js'

/** Variables by name, such as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * What the environment says, as a function from origin to proxy.
 *
 * `https_proxy`, `HTTPS_PROXY` for `https:` origins; `http_proxy` for `http:` ones, in lower case alone, because a CGI program finds a
 * request's field `Proxy` in `HTTP_PROXY`; `all_proxy`, `ALL_PROXY` for both where theirs is not set; `no_proxy`, `NO_PROXY` for exceptions.
 * Lower case goes before upper case, empty counts as not set, and a value without a scheme means `http:`.
 * @throws UsageError `ERR_INVALID_OPTION` naming a variable whose value is no proxy.
 */
export function proxiesOf(environment: Environment): (origin: Origin) => ProxyServer | undefined {
  const all = read(environment, 'all_proxy', 'ALL_PROXY')
  const https = read(environment, 'https_proxy', 'HTTPS_PROXY') ?? all
  const http = read(environment, 'http_proxy') ?? all
  const exceptions = new NoProxy(environment['no_proxy'] || environment['NO_PROXY'] || '')
  return (origin) => {
    const proxy = origin.scheme === 'https' ? https : http
    return proxy === undefined || exceptions.matches(origin.host, origin.port) ? undefined : proxy
  }
}

function read(environment: Environment, ...names: readonly string[]): ProxyServer | undefined {
  for (const name of names) {
    const value = environment[name]
    if (value)
      return checkProxy(/^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`, `environment variable ${name}`)
  }
  return undefined
}
