/**
 * Reads the proxies named by the environment, once, as curl does: variables, their case, and their
 * values.
 */

import type { Origin } from '../../message/origin.js'
import { NoProxy } from './no-proxy.js'
import { checkProxy, type ProxyServer } from './proxy-options.js'

/** Variables by name, such as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Returns a function from origin to proxy, as configured by the environment.
 *
 * `https_proxy`, `HTTPS_PROXY` apply to `https:` origins; `http_proxy` to `http:` origins, only in
 * lower case, because a CGI program receives the request field `Proxy` as `HTTP_PROXY`;
 * `all_proxy`, `ALL_PROXY` to both if theirs is not set; `no_proxy`, `NO_PROXY` list exceptions.
 * Lower case takes precedence, empty means not set, and a value without a scheme means `http:`.
 * @throws UsageError `ERR_INVALID_OPTION` naming a variable whose value is not a valid proxy.
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
