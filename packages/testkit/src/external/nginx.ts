import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { behindOf, type ExternalServerOptions, type Files, runsAsRoot, writeFiles } from './documents.js'
import { type ExternalServer, type Place, startProgram } from './process.js'

export interface NginxOptions extends ExternalServerOptions {
  /** Per HTTP/2 connection. nginx's default is 128. */
  readonly maxConcurrentStreams?: number
  /** Number of requests after which nginx closes a connection. Default: practically unlimited. */
  readonly keepaliveRequests?: number
}

/**
 * /upload reads the whole body and responds with `ok`; /upload-early responds without reading it,
 * then sends RST_STREAM(NO_ERROR); /upload-counted reads it into memory and responds with its
 * length; a POST to /10k.json is answered like a GET. /trailers is small.txt with trailers.
 */
export function startNginx(options: NginxOptions): Promise<ExternalServer | undefined> {
  return startProgram({
    name: 'nginx',
    reload: 'SIGHUP',
    behind: behindOf(options),
    sockets: options.sockets,
    configure(place) {
      const config = join(place.folder, 'nginx.conf')
      writeFileSync(config, nginxConfig(place, writeFiles(place.folder, options), options))
      return ['-p', place.folder, '-c', config, '-e', 'stderr']
    },
  })
}

function nginxConfig(
  { folder, port, behindPort }: Place,
  { pem, docroot }: Files,
  { maxConcurrentStreams = 128, strictHost, keepaliveRequests = 1_000_000_000 }: NginxOptions,
): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const secure = pem && `ssl_certificate ${pem.cert};\n    ssl_certificate_key ${pem.key};\n    ssl_protocols TLSv1.2 TLSv1.3;`
  // A host that may request client certificates is never served on a connection made for another
  // host of this server: 421.
  const strict =
    strictHost &&
    `server {
      listen 127.0.0.1:${port} ssl http2;
      server_name ${strictHost};
      ${secure}
      ssl_verify_client optional_no_ca;
      root ${docroot};
    }`
  // Buffers for a megabyte of fields: in our tests the client decides what a response may have.
  const behind =
    behindPort &&
    `location /behind/ {
      proxy_pass http://127.0.0.1:${behindPort};
      proxy_http_version 1.1;
      proxy_buffer_size 2m;
      proxy_buffers 4 2m;
      proxy_busy_buffers_size 2m;
    }
    location = /socket {
      proxy_pass http://127.0.0.1:${behindPort};
      proxy_http_version 1.1;
      proxy_set_header upgrade $http_upgrade;
      proxy_set_header connection upgrade;
    }`
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
  keepalive_requests ${keepaliveRequests};
  client_max_body_size 0;
  http2_max_concurrent_streams ${maxConcurrentStreams};
  server {
    listen 127.0.0.1:${port} ${pem ? 'ssl ' : ''}http2;
    ${secure ?? ''}
    ${strict === undefined ? '' : 'server_name ~.;'}
    root ${docroot};
    location = /upload { proxy_pass http://unix:${folder}/sink.sock; }
    location = /upload-counted {
      client_body_buffer_size 16m;
      proxy_pass http://unix:${folder}/sink.sock;
      proxy_pass_request_body off;
      proxy_set_header content-length "";
      proxy_set_header x-received $content_length;
    }
    # What is static is not for POST: the error is answered with the file.
    location = /10k.json { error_page 405 =200 $uri; }
    location = /upload-early { return 200 'ok'; }
    location = /trailers {
      add_trailer x-checksum 1234;
      try_files /small.txt =404;
    }
    ${behind ?? ''}
  }
  ${strict ?? ''}
  # A bare \`return\` answers before it has read the body; the proxy reads all of it first.
  server {
    listen unix:${folder}/sink.sock;
    location / { return 200 'ok'; }
    location = /upload-counted { return 200 $http_x_received; }
  }
}
`
}
