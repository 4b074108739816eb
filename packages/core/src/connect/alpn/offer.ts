/**
 * Decides which protocols a TLS handshake offers (RFC 7301), and when it is repeated with others.
 */

import { ConnectError } from '../../errors/errors.js'
import type { ProtocolName } from '../../settings/pool-settings.js'
import type { PoolTarget } from '../../transport/target.js'
import type { SecureSocket } from '../tls/tls-connector.js'
import type { ProtocolMemory } from './protocol-memory.js'

/** Connects with TLS, offering these protocols. */
type Secure = (protocols: readonly ProtocolName[]) => Promise<SecureSocket>

/**
 * Connects with TLS. If the server is remembered to have chosen HTTP/1.1, only that is offered; if
 * the server refuses it, all protocols are offered.
 */
export function secureOffering(
  target: PoolTarget,
  known: string | undefined,
  memory: ProtocolMemory,
  secure: Secure,
): Promise<SecureSocket> {
  const { protocols } = target.settings
  const offerAll = (): Promise<SecureSocket> => memory.resolve(target.dialKey, adequate(target, secure))
  if (known !== 'http/1.1' || !protocols.includes('http/1.1')) return offerAll()
  return secure(['http/1.1']).catch((error: unknown) => {
    // RFC 7301 §3.2: the server no longer supports the protocol it chose before.
    if (!(error instanceof ConnectError) || error.phase !== 'negotiate' || target.http1Only === true) throw error
    memory.forget(target.dialKey)
    return offerAll()
  })
}

/**
 * RFC 9113 §9.2.2: if a server chooses HTTP/2 with a prohibited cipher suite, HTTP/1.1 is offered
 * instead.
 */
function adequate({ settings: { protocols } }: PoolTarget, secure: Secure): Promise<SecureSocket> {
  return secure(protocols).catch((error: unknown) => {
    const isInadequate = error instanceof ConnectError && error.code === 'ERR_INADEQUATE_SECURITY'
    if (!isInadequate || !protocols.includes('http/1.1')) throw error
    return secure(['http/1.1']).catch(() => {
      throw error
    })
  })
}
