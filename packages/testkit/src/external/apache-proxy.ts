import { createHash } from 'node:crypto'
import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Credentials } from '../certificates.js'
import { runsAsRoot, writeFiles } from './documents.js'
import { type ExternalServer, type Place, startProgram } from './process.js'

export interface ExternalProxyOptions {
  /** Without it the connection to the proxy is cleartext. */
  readonly tls?: Credentials
  /** Required `user:password`. */
  readonly credentials?: string
}

/** Apache as a forward proxy: CONNECT over HTTP/1.1 to any port, and requests in absolute form. */
export function startApacheProxy(options: ExternalProxyOptions = {}): Promise<ExternalServer | undefined> {
  const { tls, credentials } = options
  return startProgram({
    name: 'apache2',
    ready: ({ folder }) => existsSync(join(folder, 'apache2.pid')),
    configure(place) {
      const { folder } = place
      const { pem } = writeFiles(folder, tls === undefined ? {} : { tls })
      const config = join(folder, 'apache2.conf')
      writeFileSync(config, proxyConfig(place, pem, credentials !== undefined))
      if (credentials !== undefined) writeFileSync(join(folder, 'users'), `${userLine(credentials)}\n`)
      // Started by root, it always drops root privileges, and must still be able to read the user
      // file.
      if (runsAsRoot) chmodSync(folder, 0o711)
      return ['-f', config, '-D', 'FOREGROUND']
    },
  })
}

/** Formats a user like htpasswd(1) with -s. */
function userLine(credentials: string): string {
  const colon = credentials.indexOf(':')
  const hash = createHash('sha1').update(credentials.slice(colon + 1))
  return `${credentials.slice(0, colon)}:{SHA}${hash.digest('base64')}`
}

const MODULES = ['mpm_event', 'authz_core', 'authz_user', 'authn_core', 'authn_file', 'auth_basic', 'ssl']
const PROXY_MODULES = ['proxy', 'proxy_connect', 'proxy_http']

function proxyConfig(
  { folder, port }: Place,
  pem: { readonly cert: string; readonly key: string } | undefined,
  authenticated: boolean,
): string {
  const access = authenticated
    ? `AuthType Basic\n  AuthName proxy\n  AuthBasicProvider file\n  AuthUserFile ${folder}/users\n  Require valid-user`
    : 'Require all granted'
  return `
ServerRoot ${folder}
DefaultRuntimeDir ${folder}
PidFile ${folder}/apache2.pid
ServerName localhost
ErrorLog /dev/stderr
LogLevel warn
${runsAsRoot ? 'User #65534\nGroup #65534' : ''}
${[...MODULES, ...PROXY_MODULES].map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
StartServers 1
ServerLimit 4
ThreadsPerChild 64
MaxRequestWorkers 256
Listen 127.0.0.1:${port}
ProxyRequests On
AllowCONNECT 1024-65535
<Proxy *>
  ${access}
</Proxy>
${pem === undefined ? '' : `SSLEngine on\nSSLCertificateFile ${pem.cert}\nSSLCertificateKeyFile ${pem.key}`}
`
}
