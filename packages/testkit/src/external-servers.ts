// nghttpd, nginx and h2o, as Debian installs them, each with HTTP/2 over TLS on 127.0.0.1 and the same documents: three readers
// of RFC 9113 that share no code with us or with Node (Node and nghttpd share nghttp2).
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Credentials } from './certificates.js'
import { patternBytes } from './default-routes.js'
import { type ExternalServer, startProgram } from './external-process.js'

export type { ExternalServer } from './external-process.js'

export interface ExternalServerOptions {
  readonly tls: Credentials
  /** A folder to serve instead of index.html, small.txt, 10k.json and 1m.bin. It is left as it is. */
  readonly docroot?: string
}

/** What `small.txt` holds. */
export const SMALL_TEXT = 'hello\n'

export type ExternalServerName = 'nghttpd' | 'nginx' | 'h2o'

/** All three by name, for tests that run against each. Each resolves with undefined when its program is not installed. */
export const externalServers: Readonly<
  Record<ExternalServerName, (options: ExternalServerOptions) => Promise<ExternalServer | undefined>>
> = { nghttpd: startNghttpd, nginx: startNginx, h2o: startH2o }

/** POST /upload reads the whole body and answers `ok`. */
export function startNghttpd(options: ExternalServerOptions): Promise<ExternalServer | undefined> {
  return startProgram({
    name: 'nghttpd',
    configure(folder, port) {
      const { cert, key, docroot } = writeFiles(folder, options)
      return ['--address', '127.0.0.1', '--htdocs', docroot, String(port), key, cert]
    },
  })
}

/** /upload reads the whole body and answers `ok`; /upload-early answers without reading it, then RST_STREAM(NO_ERROR). */
export function startNginx(options: ExternalServerOptions): Promise<ExternalServer | undefined> {
  return startProgram({
    name: 'nginx',
    reloadSignal: 'SIGHUP',
    configure(folder, port) {
      const config = join(folder, 'nginx.conf')
      writeFileSync(config, nginxConfig(folder, port, writeFiles(folder, options)))
      return ['-p', folder, '-c', config, '-e', 'stderr']
    },
  })
}

/** POST /upload reads the whole body and answers `ok`. */
export function startH2o(options: ExternalServerOptions): Promise<ExternalServer | undefined> {
  return startProgram({
    name: 'h2o',
    configure(folder, port) {
      const config = join(folder, 'h2o.yaml')
      writeFileSync(config, h2oConfig(port, writeFiles(folder, options)))
      return ['--mode', 'worker', '--conf', config]
    },
  })
}

interface Files {
  readonly cert: string
  readonly key: string
  readonly docroot: string
}

function writeFiles(folder: string, { tls, docroot = join(folder, 'docroot') }: ExternalServerOptions): Files {
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem'), docroot }
  writeFileSync(files.cert, tls.cert)
  writeFileSync(files.key, tls.key)
  if (docroot === join(folder, 'docroot')) {
    mkdirSync(docroot)
    writeFileSync(join(docroot, 'index.html'), '<!doctype html><title>unshard</title><p>hello\n')
    writeFileSync(join(docroot, 'small.txt'), SMALL_TEXT)
    writeFileSync(join(docroot, '10k.json'), tenKilobytesOfJson())
    writeFileSync(join(docroot, '1m.bin'), patternBytes(1_048_576))
    // nghttpd answers a POST with the file of that name, after it has read the body.
    writeFileSync(join(docroot, 'upload'), 'ok')
  }
  return files
}

function tenKilobytesOfJson(): string {
  const items = Array.from({ length: 128 }, (_, id) => ({ id, name: `item ${id}`, tags: ['a', 'b'], price: id * 1.25 + 1000 }))
  return JSON.stringify(items, undefined, 1)
}

// Unless told otherwise, programs started by root give up root, and could then not read the folder.
const runsAsRoot = process.getuid?.() === 0

function nginxConfig(folder: string, port: number, { cert, key, docroot }: Files): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `
${runsAsRoot ? 'user root;' : ''}
daemon off;
master_process on;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr;
events { worker_connections 1024; }
http {
  access_log off;
  default_type application/octet-stream;
  types { text/html html; text/plain txt; application/json json; }
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n  ')}
  keepalive_requests 1000000000;
  client_max_body_size 0;
  server {
    listen 127.0.0.1:${port} ssl http2;
    ssl_certificate ${cert};
    ssl_certificate_key ${key};
    ssl_protocols TLSv1.2 TLSv1.3;
    root ${docroot};
    location = /upload { proxy_pass http://unix:${folder}/sink.sock; }
    location = /upload-early { return 200 'ok'; }
  }
  # A bare \`return\` answers before it has read the body; the proxy reads all of it first.
  server {
    listen unix:${folder}/sink.sock;
    location / { return 200 'ok'; }
  }
}
`
}

function h2oConfig(port: number, { cert, key, docroot }: Files): string {
  return `
${runsAsRoot ? 'user: root' : ''}
num-threads: 1
listen:
  host: 127.0.0.1
  port: ${port}
  ssl:
    certificate-file: ${cert}
    key-file: ${key}
    minimum-version: TLSv1.2
hosts:
  default:
    paths:
      /upload:
        mruby.handler: |
          Proc.new do |env|
            env['rack.input'].read if env['rack.input']
            [200, { 'content-type' => 'text/plain' }, ['ok']]
          end
      /:
        file.dir: ${docroot}
`
}
