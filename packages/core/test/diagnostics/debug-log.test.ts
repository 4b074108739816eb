/** `NODE_DEBUG=unshard`, in a process of its own. */

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const BUNDLE = join(import.meta.dirname, '../../dist/bundle/index.js')
const PROGRAM = `
  import { createServer } from 'node:http'
  import { Client } from ${JSON.stringify(`file://${BUNDLE}`)}
  const server = createServer((request, response) => response.end('content')).listen(0, async () => {
    const client = new Client({ name: 'a client' })
    const origin = 'http://127.0.0.1:' + server.address().port
    await (await client.get(origin + '/path?q=1')).text()
    await client.get(origin, { headers: { 'x-a': '1' }, timeouts: { total: 1 } }).catch(() => undefined)
    await client.close()
    server.close()
  })`

async function run(NODE_DEBUG?: string): Promise<string[]> {
  const env = { ...process.env, ...(NODE_DEBUG === undefined ? {} : { NODE_DEBUG }) }
  const { stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', PROGRAM], { env })
  return stderr.split('\n').filter((line) => line.startsWith('UNSHARD'))
}

it('NODE_DEBUG=unshard writes a line for each event, with its duration', async () => {
  const lines = await run('unshard')
  const request = lines.find((line) => / request {5}request #1 /.test(line))
  expect(request).toMatch(/connection #1 "a client" http:\/\/127\.0\.0\.1:\d+ method=GET path=\/path\?q=1 attempts=1 status=200 /)
  expect(request).toMatch(/ receivedBytes=7 sentBytes=0 \d+\.\d ms$/)
  const names = new Set(lines.map((line) => line.split(/ +/)[2]))
  expect([...names].toSorted()).toEqual(
    expect.arrayContaining(['body', 'closed', 'connect', 'negotiate', 'queue', 'receive', 'send']),
  )
})

it('other values of NODE_DEBUG, and none, write nothing', async () => {
  expect([await run(), await run('http,net')]).toEqual([[], []])
})
