import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { behindOf, type ExternalServerOptions, type Files, runsAsRoot, writeFiles } from './documents.js'
import { type ExternalServer, type Place, startProgram } from './process.js'

/** POST /upload reads the whole body and responds with `ok`. */
export function startH2o(options: ExternalServerOptions): Promise<ExternalServer | undefined> {
  return startProgram({
    name: 'h2o',
    reload: 'SIGHUP',
    behind: behindOf(options),
    sockets: options.sockets,
    configure(place) {
      const config = join(place.folder, 'h2o.yaml')
      writeFileSync(config, h2oConfig(place, writeFiles(place.folder, options)))
      // The master passes its listening socket to successive workers.
      return ['--mode', 'master', '--conf', config]
    },
  })
}

function h2oConfig({ folder, port, behindPort }: Place, { pem, docroot }: Files): string {
  const secure = pem && `ssl:\n    certificate-file: ${pem.cert}\n    key-file: ${pem.key}\n    minimum-version: TLSv1.2`
  const behind =
    behindPort &&
    `/behind:\n        proxy.reverse.url: http://127.0.0.1:${behindPort}/behind\n      /socket:\n        proxy.reverse.url: http://127.0.0.1:${behindPort}/socket\n        proxy.websocket: ON`
  return `
${runsAsRoot ? 'user: root' : ''}
num-threads: 1
pid-file: ${folder}/h2o.pid
listen:
  host: 127.0.0.1
  port: ${port}
  ${secure ?? ''}
hosts:
  default:
    paths:
      /upload:
        mruby.handler: |
          Proc.new do |env|
            env['rack.input'].read if env['rack.input']
            [200, { 'content-type' => 'text/plain' }, ['ok']]
          end
      ${behind ?? ''}
      /:
        file.dir: ${docroot}
`
}
