// External servers as installed by Debian, each with HTTP/2 on 127.0.0.1, with or without TLS,
// serving the same documents. nginx, h2o, HAProxy and Caddy share no HTTP/2 code with us or with
// Node; nghttpd and Apache use nghttp2, like Node.
import { startApache } from './external/apache.js'
import { startCaddy } from './external/caddy.js'
import type { ExternalServerOptions } from './external/documents.js'
import { startH2o } from './external/h2o.js'
import { startHaproxy } from './external/haproxy.js'
import { startNghttpd } from './external/nghttpd.js'
import { startNginx } from './external/nginx.js'
import type { ExternalServer } from './external/process.js'

export { startApache } from './external/apache.js'
export { type ExternalProxyOptions, startApacheProxy } from './external/apache-proxy.js'
export { startCaddy } from './external/caddy.js'
export { type ExternalServerOptions, SMALL_TEXT, type UpgradeListener } from './external/documents.js'
export { startH2o } from './external/h2o.js'
export { type HaproxyOptions, startHaproxy } from './external/haproxy.js'
export { type NghttpdOptions, startNghttpd } from './external/nghttpd.js'
export { type NghttpxOptions, startNghttpx } from './external/nghttpx.js'
export { type NginxOptions, startNginx } from './external/nginx.js'
export type { ExternalServer } from './external/process.js'

export type ExternalServerName = 'nghttpd' | 'nginx' | 'h2o' | 'apache' | 'haproxy' | 'caddy'

/**
 * All servers by name, for tests that run against each. Each function resolves with undefined if
 * its program is not installed.
 */
export const externalServers: Readonly<
  Record<ExternalServerName, (options: ExternalServerOptions) => Promise<ExternalServer | undefined>>
> = {
  nghttpd: startNghttpd,
  nginx: startNginx,
  h2o: startH2o,
  apache: startApache,
  haproxy: startHaproxy,
  caddy: startCaddy,
}
