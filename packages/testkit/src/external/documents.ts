// Documents of every external server, and the small origin server behind those that are only
// proxies.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, RequestListener } from 'node:http'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { Credentials } from '../certificates.js'
import { patternBytes } from '../default-routes.js'

export interface ExternalServerOptions {
  /** Without it the server speaks cleartext: HTTP/2 with prior knowledge. */
  readonly tls?: Credentials
  /**
   * A folder to serve instead of index.html, small.txt, 10k.json and 1m.bin. It is not modified.
   */
  readonly docroot?: string
  /** Further documents beside index.html and the others, by name. Not together with `docroot`. */
  readonly files?: Readonly<Record<string, Uint8Array | string>>
  /**
   * Handles every path under /behind/, over HTTP/1.1 and through the server. Not supported by
   * nghttpd, which does not forward.
   */
  readonly behind?: RequestListener
  /** Handles upgrades of the path /socket, through the server. Not supported by nghttpd. */
  readonly sockets?: UpgradeListener
  /**
   * A host whose requests are answered with 421 on connections made for another name (RFC 9110
   * §15.5.20): by nginx, Apache and Caddy, each in its own way.
   */
  readonly strictHost?: string
  /**
   * Offers HTTP/1.1 beside HTTP/2 by ALPN. Only for those that can be told: nginx and h2o always do.
   */
  readonly http1?: boolean
}

/** Handles an upgrade of HTTP/1.1. */
export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/** Content of `small.txt`. */
export const SMALL_TEXT = 'hello\n'

export interface Files {
  /** Undefined in cleartext. */
  readonly pem?: { readonly cert: string; readonly key: string }
  readonly docroot: string
}

// By default, programs started by root drop root privileges and could then not read the folder.
export const runsAsRoot: boolean = process.getuid?.() === 0

export function writeFiles(folder: string, options: ExternalServerOptions): Files {
  const { tls, docroot = join(folder, 'docroot'), files = {} } = options
  if (docroot === join(folder, 'docroot')) {
    writeDocuments(docroot)
    for (const [name, content] of Object.entries(files)) writeFileSync(join(docroot, name), content)
  }
  if (tls === undefined) return { docroot }
  const pem = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  writeFileSync(pem.cert, tls.cert)
  writeFileSync(pem.key, tls.key)
  return { pem, docroot }
}

function writeDocuments(docroot: string): void {
  mkdirSync(docroot)
  writeFileSync(join(docroot, 'index.html'), '<!doctype html><title>unshard</title><p>hello\n')
  writeFileSync(join(docroot, 'small.txt'), SMALL_TEXT)
  writeFileSync(join(docroot, '10k.json'), tenKilobytesOfJson())
  writeFileSync(join(docroot, '1m.bin'), patternBytes(1_048_576))
  // nghttpd answers a POST with the file of that name after it has read the body.
  writeFileSync(join(docroot, 'upload'), 'ok')
}

function tenKilobytesOfJson(): string {
  const items = Array.from({ length: 128 }, (_, id) => ({ id, name: `item ${id}`, tags: ['a', 'b'], price: id * 1.25 + 1000 }))
  return JSON.stringify(items, undefined, 1)
}

/** For servers with their own documents: only requests for `behind` and `sockets` are forwarded. */
export function behindOf({ behind, sockets }: ExternalServerOptions): (() => RequestListener) | undefined {
  if (behind === undefined && sockets === undefined) return undefined
  return () => behind ?? ((_request, response) => void response.writeHead(404).end())
}

/** Serves the documents, `POST /upload`, and `behind` for all other paths. */
export function serveDocuments(folder: string, { docroot, behind }: ExternalServerOptions): RequestListener {
  return (request, response) => {
    const path = request.url ?? '/'
    if (path.startsWith('/behind/')) return void behind?.(request, response)
    // Read the whole body before responding, or the proxy may stop reading it.
    request.resume().once('end', () => {
      if (path === '/upload') return void response.end('ok')
      const bytes = readIfThere(join(docroot ?? join(folder, 'docroot'), path))
      response.writeHead(bytes === undefined ? 404 : 200).end(bytes)
    })
  }
}

function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file)
  } catch {
    return undefined
  }
}
