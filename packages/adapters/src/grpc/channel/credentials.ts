/** Reads what a channel needs from the credentials of `@grpc/grpc-js`, of its versions 1.8 to 1.14. */

import type { SecureContext } from 'node:tls'
import { UsageError } from '@unshard/core'
import type { GrpcCallCredentials, GrpcChannelCredentials } from './types.js'

/** The options of a TLS connection that credentials stand for. */
export interface CredentialsTls {
  readonly secureContext: SecureContext
  readonly checkServerIdentity?: (host: string, certificate: never) => Error | undefined
  readonly rejectUnauthorized?: boolean
}

/** Credentials taken apart. */
export interface ChannelSecurity {
  readonly isSecure: boolean
  /** `undefined` without TLS. */
  readonly tls: CredentialsTls | undefined
  readonly callCredentials: GrpcCallCredentials | undefined
}

/** A connector of versions 1.12 and later. */
interface Connector {
  readonly connectionOptions?: CredentialsTls
  getCallCredentials?(): GrpcCallCredentials
  destroy?(): void
}

/** @throws UsageError `ERR_INVALID_OPTION` for credentials of another kind. */
export function securityOf(credentials: GrpcChannelCredentials): ChannelSecurity {
  if (typeof credentials?._isSecure !== 'function') throw refused('must be made by @grpc/grpc-js')
  const isSecure = credentials._isSecure()
  if (credentials._createSecureConnector === undefined) {
    const options = credentials._getConnectionOptions?.() as CredentialsTls | null | undefined
    return {
      isSecure,
      tls: isSecure ? tlsOf(options) : undefined,
      callCredentials: unlessEmpty(credentials._getCallCredentials?.()),
    }
  }
  const connector = credentials._createSecureConnector({ scheme: 'dns', path: 'localhost' }, {}) as Connector
  const callCredentials = connector.getCallCredentials?.()
  connector.destroy?.()
  return {
    isSecure,
    tls: isSecure ? tlsOf(connector.connectionOptions) : undefined,
    callCredentials: unlessEmpty(callCredentials),
  }
}

/** Empty credentials return what they are composed with: a call need not wait for their metadata. */
function unlessEmpty(credentials: GrpcCallCredentials | undefined): GrpcCallCredentials | undefined {
  const probe = {}
  return credentials?.compose(probe) === probe ? undefined : credentials
}

function tlsOf(options: CredentialsTls | null | undefined): CredentialsTls {
  if (options?.secureContext === undefined)
    throw refused(
      'have no certificates that can be read: use createSsl(), createFromSecureContext(), or the option tls: "client"',
    )
  const { secureContext, checkServerIdentity, rejectUnauthorized } = options
  return {
    secureContext,
    ...(checkServerIdentity !== undefined && { checkServerIdentity }),
    ...(rejectUnauthorized !== undefined && { rejectUnauthorized }),
  }
}

function refused(what: string): UsageError {
  return new UsageError('ERR_INVALID_OPTION', `the credentials of a gRPC channel ${what}`)
}
