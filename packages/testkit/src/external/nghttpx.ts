// nghttpx, the proxy of nghttp2: accepts CONNECT over HTTP/2 and forwards it to the next proxy over
// HTTP/1.1.
import type { Credentials } from '../certificates.js'
import { writeFiles } from './documents.js'
import { type ExternalServer, startProgram } from './process.js'

export interface NghttpxOptions {
  readonly tls: Credentials
  /** Port of the next proxy on 127.0.0.1. */
  readonly nextPort: number
  /** Whether it is the server of an origin in front of `nextPort`, instead of a proxy. */
  readonly reverse?: boolean
}

export function startNghttpx({ tls, nextPort, reverse = false }: NghttpxOptions): Promise<ExternalServer | undefined> {
  return startProgram({
    name: 'nghttpx',
    configure({ folder, port }) {
      const { pem } = writeFiles(folder, { tls })
      return [
        '--conf=/dev/null',
        '--errorlog-file=/dev/stderr',
        '--workers=1',
        ...(reverse ? [] : ['--http2-proxy']),
        `--frontend=127.0.0.1,${port}`,
        `--backend=127.0.0.1,${nextPort}`,
        pem!.key,
        pem!.cert,
      ]
    },
  })
}
