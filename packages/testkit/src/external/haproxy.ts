import { writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { type ExternalServerOptions, serveDocuments, writeFiles } from './documents.js'
import { type ExternalServer, type Place, startProgram } from './process.js'

/** Command socket of its master process. */
const MASTER = 'master.sock'

export interface HaproxyOptions extends ExternalServerOptions {
  /** Default: enough for a megabyte of fields. HAProxy's own default is 16,384. */
  readonly bufferBytes?: number
}

/**
 * In front of a Node server with the documents. POST /upload reads the whole body and responds with
 * `ok`.
 */
export function startHaproxy(options: HaproxyOptions): Promise<ExternalServer | undefined> {
  return startProgram({
    name: 'haproxy',
    reload: 'SIGUSR2',
    // A master that does not answer yet loses signals: it restarts itself once it has started its
    // worker.
    ready: async ({ folder }) => (await ask(join(folder, MASTER), 'show proc')).includes('worker'),
    behind: (folder) => serveDocuments(folder, options),
    sockets: options.sockets,
    configure(place) {
      const { pem } = writeFiles(place.folder, options)
      const both = join(place.folder, 'both.pem')
      if (pem !== undefined) writeFileSync(both, `${options.tls?.cert}\n${options.tls?.key}`)
      const config = join(place.folder, 'haproxy.cfg')
      writeFileSync(config, haproxyConfig(place, pem && both, options))
      return ['-W', '-S', join(place.folder, MASTER), '-f', config]
    },
  })
}

/** Resolves with an empty string if it does not answer. */
function ask(socketPath: string, command: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = net.connect(socketPath, () => socket.end(`${command}\n`))
    socket.setEncoding('utf8').on('data', (text: string) => {
      answer += text
    })
    socket.on('error', () => {})
    socket.once('close', () => resolve(answer))
  })
}

function haproxyConfig(
  { folder, port, behindPort }: Place,
  pem: string | undefined,
  { http1 = false, bufferBytes = 2_097_152 }: HaproxyOptions,
): string {
  const protocols = http1 ? 'h2,http/1.1' : 'h2'
  // Through this socket a worker takes over its predecessor's listening socket, so that no
  // connection is lost.
  return `
global
  stats socket ${folder}/stats.sock level admin expose-fd listeners
  tune.bufsize ${bufferBytes}
  tune.http.maxhdr 32767
  maxconn 200
defaults
  mode http
  timeout connect 10s
  timeout client 60s
  timeout server 60s
frontend front
  bind 127.0.0.1:${port} ${pem === undefined ? 'proto h2' : `ssl crt ${pem} alpn ${protocols}`}
  default_backend node
backend node
  server node 127.0.0.1:${behindPort}
`
}
