// nghttpd, the server of nghttp2, the library that Node and Apache use for HTTP/2, without
// additions.
import { type ExternalServerOptions, writeFiles } from './documents.js'
import { type ExternalServer, startProgram } from './process.js'

export interface NghttpdOptions extends ExternalServerOptions {
  /**
   * Further command-line options, such as `--trailer` or `--echo-upload`: it has no configuration
   * file.
   */
  readonly flags?: readonly string[]
}

/** POST /upload reads the whole body and responds with `ok`. */
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
