/** `node --import unshard/inspect/register`, with the built packages, in processes of their own. */

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Follower, get } from './fixture.js'

const cwd = fileURLToPath(new URL('../../../unshard', import.meta.url))
const args = (program: string) => ['--import', 'unshard/inspect/register', '--input-type=module', '-e', program]
const withPort = (port: string) => ({ ...process.env, UNSHARD_INSPECT_PORT: port })

it('prints the URL once, and does not keep the process alive', async () => {
  const program = "import { Worker } from 'node:worker_threads'; new Worker('0', { eval: true }); console.log('done')"
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args(program), { cwd, env: withPort('') })
  expect(stdout).toBe('done\n')
  expect(stderr).toMatch(/^unshard: requests of this process: http:\/\/127\.0\.0\.1:\d+\/[\w-]{32}\/\n$/)
})

it('shows the requests of the program, and keeps the process alive if it is asked to', async () => {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const program = `import { fetch } from 'unshard'; await fetch('http://${host}/path').catch(() => undefined)`
  const env = { ...withPort('0'), UNSHARD_INSPECT_KEEP: '1' }
  const child = spawn(process.execPath, args(program), { cwd, env, stdio: ['ignore', 'inherit', 'pipe'] })
  const [text] = (await once(child.stderr, 'data')) as [Buffer]
  const url = /http:\S+/.exec(String(text))![0]
  const follower = new Follower(url)
  await follower.until(({ list }) => list.length === 1 && !list[0]!.isPending)
  expect(follower.list).toMatchObject([{ host, path: '/path', status: 0 }])
  expect((await get(url)).status).toBe(200)
  follower.close()
  child.kill()
  await once(child, 'exit')
  server.close()
})

it('a port that is in use is reported, and the program runs', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const env = withPort(String(port))
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args("console.log('runs')"), { cwd, env })
  expect(stdout).toBe('runs\n')
  expect(stderr).toMatch(/^unshard: no page of this process: cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE.*\n$/)
  server.close()
})
