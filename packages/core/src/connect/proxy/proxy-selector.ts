/** Which origin is reached through which proxy: one answer for each origin, asked for once. */

import { UsageError } from '../../errors/errors.js'
import type { Origin } from '../../message/origin.js'
import { type Environment, proxiesOf } from './environment.js'
import { checkProxy, type ProxyServer, type ProxySetting } from './proxy-options.js'

/**
 * The option `proxy`: `'env'` for what the environment says when the client is made, one proxy for all origins, or a function that is
 * asked once for each origin, in the form `https://a.example`, and answers with a proxy, or with `undefined` for a direct connection.
 */
export type ProxyOption = ProxySetting | 'env' | ((origin: string) => ProxySetting | undefined)

/** The answer for an origin. */
export type ProxyChoice = (origin: Origin) => ProxyServer | undefined

/**
 * Reads the option. `undefined` where no origin is reached through a proxy.
 * @throws UsageError naming what is wrong with it. The function that is returned throws one where the caller's function throws, or its
 * answer is wrong: such a request is not sent at all.
 */
export function proxyChoice(option: ProxyOption | undefined, environment: Environment): ProxyChoice | undefined {
  if (option === undefined) return undefined
  if (option === 'env') return proxiesOf(environment)
  if (typeof option === 'function') return asked(option)
  const proxy = checkProxy(option, 'option proxy')
  return () => proxy
}

function asked(ask: (origin: string) => ProxySetting | undefined): ProxyChoice {
  const answers = new WeakMap<Origin, { readonly proxy: ProxyServer | undefined }>()
  return (origin) => {
    let answer = answers.get(origin)
    if (answer === undefined) {
      answer = { proxy: check(origin, ask) }
      answers.set(origin, answer)
    }
    return answer.proxy
  }
}

function check({ serialized }: Origin, ask: (origin: string) => ProxySetting | undefined): ProxyServer | undefined {
  let setting: ProxySetting | undefined
  try {
    setting = ask(serialized)
  } catch (cause) {
    throw new UsageError('ERR_PROXY_FUNCTION', `the function proxy threw when asked about ${serialized}`, {
      origin: serialized,
      cause,
    })
  }
  return setting === undefined ? undefined : checkProxy(setting, `the answer of the function proxy for ${serialized}`)
}
