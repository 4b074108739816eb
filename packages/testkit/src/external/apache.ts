import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ExternalServerOptions, type Files, runsAsRoot, serveDocuments, writeFiles } from './documents.js'
import { type ExternalServer, type Place, startProgram } from './process.js'

/**
 * POST /upload reads the whole body and responds with `ok`; POST /trailers responds with the
 * request's trailer `x-checksum`.
 */
export function startApache(options: ExternalServerOptions): Promise<ExternalServer | undefined> {
  return startProgram({
    name: 'apache2',
    reload: 'SIGUSR1',
    // It listens before it has read its certificate; the PID file is written when nothing can fail
    // any more.
    ready: ({ folder }) => existsSync(join(folder, PID_FILE)),
    behind: (folder) => serveDocuments(folder, options),
    sockets: options.sockets,
    configure(place) {
      const config = join(place.folder, 'apache2.conf')
      writeFileSync(config, apacheConfig(place, writeFiles(place.folder, options), options))
      writeFileSync(join(place.folder, 'handler.lua'), HANDLER)
      // Started by root, it always drops root privileges, and must still be able to read the
      // documents.
      if (runsAsRoot) chmodSync(place.folder, 0o711)
      return ['-f', config, '-D', 'FOREGROUND']
    },
  })
}

const PID_FILE = 'apache2.pid'
const MODULES = ['mpm_event', 'authz_core', 'http2', 'ssl', 'dir', 'proxy', 'proxy_http', 'lua']

function apacheConfig(
  { folder, port, behindPort }: Place,
  { pem, docroot }: Files,
  { strictHost, http1 = false }: ExternalServerOptions,
): string {
  const secure = pem && `SSLEngine on\nSSLCertificateFile ${pem.cert}\nSSLCertificateKeyFile ${pem.key}`
  return `
ServerRoot ${folder}
DefaultRuntimeDir ${folder}
PidFile ${folder}/${PID_FILE}
ServerName localhost
ErrorLog /dev/stderr
LogLevel warn
${runsAsRoot ? 'User #65534\nGroup #65534' : ''}
${MODULES.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
StartServers 1
ServerLimit 4
ThreadsPerChild 64
MaxRequestWorkers 256
Listen 127.0.0.1:${port}
Protocols ${pem ? 'h2' : 'h2c'}${http1 ? ' http/1.1' : ''}
DocumentRoot ${docroot}
DirectoryIndex index.html
MergeTrailers On
<Location />
  Require all granted
</Location>
LuaMapHandler ^/trailers$ ${folder}/handler.lua trailers
${strictHost === undefined ? (secure ?? '') : virtualHosts(port, secure!, strictHost)}
ProxyPass /behind/ http://127.0.0.1:${behindPort}/behind/
ProxyPass /upload http://127.0.0.1:${behindPort}/upload
H2WebSockets on
ProxyPass /socket http://127.0.0.1:${behindPort}/socket upgrade=websocket
`
}

/** A host with its own TLS settings is not served on a connection with other settings: 421. */
function virtualHosts(port: number, secure: string, strictHost: string): string {
  return `
<VirtualHost 127.0.0.1:${port}>
${secure}
</VirtualHost>
<VirtualHost 127.0.0.1:${port}>
ServerName ${strictHost}
${secure}
SSLCipherSuite ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-GCM-SHA384
</VirtualHost>`
}

// With MergeTrailers the trailers of a request become fields once its body has been read; Lua reads
// a body of known length.
const HANDLER = `
function trailers(r)
  r:requestbody()
  r.content_type = 'text/plain'
  r:puts(tostring(r.headers_in['x-checksum']))
  return apache2.OK
end
`
