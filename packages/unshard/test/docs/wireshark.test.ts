/** The recipe for Wireshark in docs/guides/debugging.md, where tshark is installed and may capture. */

import { execFile, execFileSync, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startOriginServer } from '@unshard/testkit'
import { createClient } from '../../src/index.js'
import { testEnvironment } from '../environment.js'

const world = testEnvironment()
const version = ((): string | undefined => {
  try {
    return execFileSync('tshark', ['--version'], { encoding: 'utf8' }).split('\n')[0]
  } catch {
    return undefined
  }
})()

if (version === undefined) {
  it.skip('tshark is not installed: its recipe is not tested here', () => undefined)
} else {
  it('tshark decrypts a capture with the key log, and shows the requests of both hosts', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'unshard-capture-'))
    world.defer(() => rm(folder, { recursive: true }))
    const origin = await startOriginServer({ tls: await world.authority.issue({ names: ['*.test.example'] }) })
    world.defer(() => origin.close())
    const capture = join(folder, 'capture.pcapng')
    const keys = join(folder, 'keys.log')
    const recorder = spawn('tshark', ['-i', 'lo', '-f', `tcp port ${origin.port}`, '-w', capture, '-P', '-l'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    // It writes this when it has begun.
    await new Promise<void>((resolve, reject) => {
      let text = ''
      recorder.stderr.on('data', (bytes: Buffer) => {
        text += bytes.toString()
        if (text.includes('Capture started')) resolve()
      })
      recorder.once('exit', () => reject(new Error(`tshark cannot capture: ${text}`)))
    })
    // The end of the connection is the last packet.
    const ended = new Promise<void>((resolve) => {
      recorder.stdout.on('data', (bytes: Buffer) => bytes.includes('FIN') && resolve())
    })
    const client = createClient({
      tls: { ca: world.authority.ca, keylog: keys },
      lookup: ((_host: string, _options: unknown, callback: (error: null, addresses: object[]) => void) =>
        callback(null, [{ address: '127.0.0.1', family: 4 }])) as never,
    })
    for (const host of ['a', 'b']) await (await client.get(`https://${host}.test.example:${origin.port}/echo`)).text()
    await client.close()
    await ended
    const exited = new Promise((resolve) => recorder.once('exit', resolve))
    recorder.kill('SIGINT')
    await exited
    const fields = ['-T', 'fields', '-e', 'http2.headers.authority', '-e', 'http2.headers.path']
    const args = ['-r', capture, '-o', `tls.keylog_file:${keys}`, '-d', `tcp.port==${origin.port},tls`]
    const { stdout } = await promisify(execFile)('tshark', [...args, '-Y', 'http2.headers.path', ...fields])
    expect(stdout.trim().split('\n')).toEqual(['a', 'b'].map((host) => `${host}.test.example:${origin.port}\t/echo`))
  }, 30_000)
}
