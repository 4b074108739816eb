/**
 * curl with many parallel transfers on one HTTP/2 connection: the limit for large contents. Its
 * time includes its start and one handshake, so it runs for some seconds.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Program } from '../competitor.js'
import type { Sample } from '../load.js'
import { isInstalled, runProgram } from './programs.js'
import { contentOf } from './reading.js'

/** Transfers per second of measurement: about as many as it completes of 10 MB. */
const TRANSFERS_PER_SECOND = 30

export const curl: Program = {
  name: 'curl --parallel',
  protocol: 'h2',
  available: () => isInstalled('curl'),
  async run(target, load) {
    const transfers = Math.ceil(load.seconds * TRANSFERS_PER_SECOND)
    const folder = mkdtempSync(join(tmpdir(), 'unshard-curl-'))
    try {
      const ca = join(folder, 'ca.pem')
      writeFileSync(ca, target.ca)
      const command = ['curl', '--silent', '--show-error', '--http2', '--cacert', ca]
      command.push('--parallel', '--parallel-max', String(load.inFlight), '--output', '/dev/null')
      command.push('--write-out', '%{http_version} %{http_code} %{size_download} %{size_upload}\\n')
      const content = contentOf(target)
      if (content !== undefined) {
        writeFileSync(join(folder, 'content'), content)
        command.push('--data-binary', `@${join(folder, 'content')}`, '--header', `content-type: ${target.upload!.type}`)
      }
      const { stdout, cpuMicros, seconds } = await runProgram([...command, `${target.origin}${target.path}?[1-${transfers}]`])
      const right = `2 200 ${target.bytes ?? Buffer.byteLength(target.text)} ${content?.length ?? 0}`
      return sampleOf(stdout, right, transfers, { cpuMicros, seconds })
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
}

/** One line per transfer; wrong and missing ones are errors. */
export function sampleOf(
  output: string,
  right: string,
  transfers: number,
  cost: { readonly cpuMicros: number; readonly seconds: number },
): Sample {
  const lines = output.split('\n').filter((line) => line !== '')
  const wrongLine = lines.find((line) => line !== right)
  const requests = lines.filter((line) => line === right).length
  return {
    requests,
    ...cost,
    errors: transfers - requests,
    ...(wrongLine !== undefined && { firstError: `curl printed: ${wrongLine}` }),
  }
}
