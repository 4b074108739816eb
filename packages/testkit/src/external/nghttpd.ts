// nghttpd, the server of nghttp2: the library that Node and Apache speak HTTP/2 with, without anything around it.
import { type ExternalServerOptions, writeFiles } from './documents.js'
import { type ExternalServer, startProgram } from './process.js'

export interface NghttpdOptions extends ExternalServerOptions {
  /** More of its command line, such as `--trailer` or `--echo-upload`: it reads no configuration. */
  readonly flags?: readonly string[]
}

/** POST /upload reads the whole body and answers `ok`. */
export function startNghttpd(options: NghttpdOptions): Promise<ExternalServer | undefined> {
  return startProgram({
    name: 'nghttpd',
    configure({ folder, port }) {
      const { pem, docroot } = writeFiles(folder, options)
      const common = ['--address', '127.0.0.1', '--htdocs', docroot, ...(options.flags ?? [])]
      return pem === undefined ? [...common, '--no-tls', String(port)] : [...common, String(port), pem.key, pem.cert]
    },
  })
}
