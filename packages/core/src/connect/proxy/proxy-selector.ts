/** Selects the proxy of an origin. A user-supplied function is called once per origin. */

import { UsageError } from '../../errors/errors.js'
import type { Origin } from '../../message/origin.js'
import { type Environment, proxiesOf } from './environment.js'
import { checkProxy, type ProxyServer, type ProxySetting } from './proxy-options.js'

/**
 * The option `proxy`: `'env'` for the environment at the creation of the client, one proxy for all
 * origins, or a function that is called once with each origin, such as `https://a.example`, and
 * returns a proxy, or `undefined` for a direct connection.
 */
export type ProxyOption = ProxySetting | 'env' | ((origin: string) => ProxySetting | undefined)

/** Returns the proxy of an origin. */
export type ProxyChoice = (origin: Origin) => ProxyServer | undefined

/**
 * Reads the option.
 * @param name stands in errors for the option.
 * @throws UsageError for an invalid option. The returned function throws one if the user-supplied
 *   function throws or returns an invalid proxy: the request is not sent at all.
 */
export function proxyChoice(option: ProxyOption, environment: Environment, name: string): ProxyChoice {
  if (option === 'env') return proxiesOf(environment)
  if (typeof option === 'function') return asked(option, name)
  const proxy = checkProxy(option, name)
  return () => proxy
}

function asked(ask: (origin: string) => ProxySetting | undefined, name: string): ProxyChoice {
  const answers = new WeakMap<Origin, { readonly proxy: ProxyServer | undefined }>()
  return (origin) => {
    let answer = answers.get(origin)
    if (answer === undefined) {
      answer = { proxy: check(origin, ask, name) }
      answers.set(origin, answer)
    }
    return answer.proxy
  }
}

function check({ serialized }: Origin, ask: (origin: string) => ProxySetting | undefined, name: string): ProxyServer | undefined {
  let setting: ProxySetting | undefined
  try {
    setting = ask(serialized)
  } catch (cause) {
    throw new UsageError('ERR_PROXY_FUNCTION', `${name}: the function threw`, { origin: serialized, cause })
  }
  return setting === undefined ? undefined : checkProxy(setting, `the answer of the function proxy for ${serialized}`)
}
