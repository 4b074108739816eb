import { writeFileSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { type ExternalServerOptions, type Files, serveDocuments, writeFiles } from './documents.js'
import { type ExternalServer, type Place, startProgram } from './process.js'

/** POST /upload reads the whole body and responds with `ok`. */
export function startCaddy(options: ExternalServerOptions): Promise<ExternalServer | undefined> {
  let config: string
  return startProgram({
    name: 'caddy',
    reload: ({ folder }) => load(join(folder, 'admin.sock'), config),
    behind: (folder) => serveDocuments(folder, options),
    sockets: options.sockets,
    // Location of its certificates and its last configuration.
    environment: (folder) => ({ HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }),
    configure(place) {
      config = JSON.stringify(caddyConfig(place, writeFiles(place.folder, options), options))
      const file = join(place.folder, 'caddy.json')
      writeFileSync(file, config)
      return ['run', '--config', file]
    },
  })
}

function caddyConfig(
  { folder, port, behindPort }: Place,
  { pem, docroot }: Files,
  { strictHost, http1 = false }: ExternalServerOptions,
): object {
  const pass = { handler: 'reverse_proxy', upstreams: [{ dial: `127.0.0.1:${behindPort}` }] }
  const server = {
    listen: [`127.0.0.1:${port}`],
    // Caddy accepts h2c only where HTTP/1.1 is served too.
    protocols: pem ? ['h1', 'h2'] : ['h1', 'h2c'],
    automatic_https: { disable: true },
    // For every host: 421 if the name of the handshake differs.
    ...(strictHost === undefined ? {} : { strict_sni_host: true }),
    ...(pem && { tls_connection_policies: [{ alpn: http1 ? ['h2', 'http/1.1'] : ['h2'] }] }),
    routes: [
      { match: [{ path: ['/upload', '/behind/*', '/socket'] }], handle: [pass] },
      { handle: [{ handler: 'file_server', root: docroot }] },
    ],
  }
  return {
    admin: { listen: `unix/${folder}/admin.sock`, origins: ['localhost'], config: { persist: false } },
    logging: { logs: { default: { level: 'ERROR' } } },
    storage: { module: 'file_system', root: folder },
    apps: {
      http: { servers: { server } },
      ...(pem && { tls: { certificates: { load_files: [{ certificate: pem.cert, key: pem.key }] } } }),
    },
  }
}

/** Like `caddy reload --force`: resolves when the new configuration is active. */
function load(socketPath: string, config: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { host: 'localhost', 'content-type': 'application/json', 'cache-control': 'must-revalidate' }
    const request = http.request({ socketPath, path: '/load', method: 'POST', headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      response.once('end', () => {
        if (response.statusCode === 200) resolve()
        else reject(new Error(`caddy did not load its configuration: ${text}`))
      })
    })
    request.once('error', reject).end(config)
  })
}
