/**
 * `pnpm silence`: measures the cost of an unresponsive peer in real time with real processes,
 * against the bounds of docs/guides/production.md. Takes two minutes. The rules themselves are tested in
 * virtual time: core/test/h2/health/liveness.test.ts, core/test/hostile/ping-counters.test.ts.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Client, type ClientOptions } from '@unshard/core'
import { createAuthority } from '@unshard/testkit'

const SERVER = fileURLToPath(new URL('server-main.js', import.meta.url))
const NAMESPACE = `unshard-silence-${process.pid}`
const LINK = [`us${process.pid}a`, `us${process.pid}b`] as const
const OUTSIDE = '10.203.91.1'
const INSIDE = '10.203.91.2'

interface Case {
  readonly what: string
  readonly protocol: 'h2' | 'http/1.1'
  readonly path: string
  /** Called a second after the request. */
  readonly disturb?: (server: ChildProcess) => void
  /** Lower and upper bound in seconds; `answered` if the right ending is a response. */
  readonly bound: readonly [from: number, to: number]
  readonly answered?: boolean
  readonly cut?: boolean
}

const stop = (server: ChildProcess): void => void server.kill('SIGSTOP')

const CASES: readonly Case[] = [
  { what: 'a single-threaded server that is busy for 30 s', protocol: 'h2', path: '/busy', bound: [29, 32], answered: true },
  { what: 'a server that responds after 100 s', protocol: 'h2', path: '/late', bound: [99, 102], answered: true },
  { what: 'a server that responds after 100 s', protocol: 'http/1.1', path: '/late', bound: [99, 102], answered: true },
  { what: 'a stopped process', protocol: 'h2', path: '/never', disturb: stop, bound: [40, 47] },
  { what: 'a path that drops all packets', protocol: 'h2', path: '/never', cut: true, bound: [40, 47] },
  {
    what: 'a path that drops all packets while a response is pending',
    protocol: 'http/1.1',
    path: '/never',
    cut: true,
    bound: [55, 75],
  },
]

function ip(command: string): void {
  const { status, stderr } = spawnSync('ip', command.split(' '), { encoding: 'utf8' })
  if (status !== 0) throw new Error(`ip ${command}: ${stderr}`)
}

function makeLink(): void {
  ip(`netns add ${NAMESPACE}`)
  ip(`link add ${LINK[0]} type veth peer name ${LINK[1]} netns ${NAMESPACE}`)
  ip(`addr add ${OUTSIDE}/24 dev ${LINK[0]}`)
  ip(`link set ${LINK[0]} up`)
  for (const inside of [`addr add ${INSIDE}/24 dev ${LINK[1]}`, `link set ${LINK[1]} up`, 'link set lo up']) {
    ip(`-n ${NAMESPACE} ${inside}`)
  }
}

const { issue, ca } = await createAuthority()
const { key, cert } = await issue({ names: ['a.test.example'] })

function start(inside: boolean): Promise<{ server: ChildProcess; port: number }> {
  const [program, ...args] = inside ? ['ip', 'netns', 'exec', NAMESPACE, process.execPath] : [process.execPath]
  const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as ('ignore' | 'inherit' | 'ipc')[]
  const server = spawn(program!, [...args, SERVER, inside ? INSIDE : '127.0.0.1', key, cert], { stdio })
  return new Promise((resolve, reject) => {
    server.once('message', (port) => resolve({ server, port: port as number }))
    server.once('exit', (code) => reject(new Error(`the server ended with ${code}`)))
  })
}

/** All cases with a cut path have sent their requests by then. */
let isCutting = false
function cutLink(): void {
  if (isCutting) return
  isCutting = true
  setTimeout(() => ip(`link set ${LINK[0]} down`), 3_000)
}

async function run({ what, protocol, path, disturb, bound, answered = false, cut: isCut = false }: Case): Promise<boolean> {
  const { server, port } = await start(isCut)
  const options: ClientOptions = {
    tls: { ca },
    replay: 0,
    protocols: [protocol],
    lookup: (_host, _options, callback) => callback(null, [{ address: isCut ? INSIDE : '127.0.0.1', family: 4 }]),
  }
  const client = new Client(options)
  const url = `https://a.test.example:${port}`
  await (await client.request({ url: `${url}/` })).text()
  const startedAt = performance.now()
  const outcome = client.request({ url: `${url}${path}` }).then(
    () => 'answered',
    (error: Error & { code?: string }) => `${error.name} ${error.code}`,
  )
  setTimeout(() => disturb?.(server), 1_000)
  if (isCut) cutLink()
  const ending = await outcome
  const seconds = (performance.now() - startedAt) / 1_000
  const fine = (ending === 'answered') === answered && seconds >= bound[0] && seconds <= bound[1]
  console.log(
    `${fine ? 'ok' : 'NOT OK'}: ${protocol}, ${what}: ${ending} after ${seconds.toFixed(1)} s (${bound.join(' to ')} s)`,
  )
  client.destroy()
  server.kill('SIGKILL')
  return fine
}

let cases = CASES
try {
  makeLink()
} catch (error) {
  console.log(`paths cannot be cut here: ${(error as Error).message.trim()}`)
  cases = CASES.filter((each) => each.cut !== true)
}
const results = await Promise.all(cases.map(run))
spawnSync('ip', ['netns', 'del', NAMESPACE])
const failed = results.filter((fine) => !fine).length
console.log(`${results.length - failed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
