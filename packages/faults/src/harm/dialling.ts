/** F18, F20, F21 and F23: names, certificates, ALPN, and connections that cannot be opened. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { type Credentials, startChaosProxy, startScriptedPeer } from '@unshard/testkit'
import { LOCAL } from '../cell/lookup.js'
import type { Stage } from '../cell/stage.js'
import { until } from '../cell/time.js'
import type { Harm, Scene } from './harm.js'

function failure(code: string): Error {
  return Object.assign(new Error(`getaddrinfo ${code} a.test.example`), { code, syscall: 'getaddrinfo' })
}

/** An address without listener. */
const NOBODY = { address: '127.0.0.2', family: 4 }
/** The new address of the server. */
const ELSEWHERE = { address: '127.0.0.3', family: 4 }

/** The old address refuses connections, and the name resolves to another one. */
async function moved({ proxy, backend, names, undo }: Stage): Promise<void> {
  const other = await startChaosProxy(backend.port, { address: ELSEWHERE.address, port: proxy.port })
  undo.push(() => other.close())
  await proxy.refuse()
  names.answer = [ELSEWHERE]
}

export const dns: Harm = {
  says: 'DNS: no such name, failure, no answer, empty, stale, changed',
  client: { lookupTtlMs: 0 },
  async apply({ variant, stage }) {
    const { names } = stage
    if (variant === 'changed') return moved(stage)
    if (variant === 'nxdomain') names.answer = failure('ENOTFOUND')
    else if (variant === 'servfail') names.answer = failure('EAI_AGAIN')
    else if (variant === 'timeout') names.answer = 'never'
    else names.answer = variant === 'empty' ? [] : [NOBODY]
  },
  lift({ stage, variant }) {
    // The address stays.
    if (variant !== 'changed') stage.names.answer = LOCAL
  },
}

/** Ends the connection in the pool; the next one is opened to `port`. */
async function reconnectTo({ stage }: Scene, port: number): Promise<void> {
  stage.proxy.targetPort = port
  stage.proxy.reset()
  await until(5_000, 'the client sees the end', () => stage.open === 0)
}

async function otherServer(scene: Scene, tls: Credentials, alpn: readonly string[]): Promise<void> {
  const peer = await startScriptedPeer(() => undefined, { tls, alpn })
  scene.stage.undo.push(() => peer.close())
  await reconnectTo(scene, peer.port)
}

export const certificate: Harm = {
  says: 'another certificate on reconnect: expired, of another name, of another authority',
  startIn: 'idle',
  apply(scene) {
    const { expired, otherName, otherAuthority } = scene.world.certificates
    const tls = { expired, name: otherName, authority: otherAuthority }[scene.variant]!
    return otherServer(scene, tls, ['h2'])
  },
  lift({ stage }) {
    stage.proxy.targetPort = stage.backend.port
  },
}

export const alpn: Harm = {
  says: 'another protocol on reconnect: HTTP/1.1, or no common one',
  startIn: 'idle',
  async apply(scene) {
    if (scene.variant === 'none') return otherServer(scene, scene.world.certificates.good, ['spdy/3'])
    await reconnectTo(scene, (await scene.world.process()).http1Port)
  },
  lift({ stage }) {
    stage.proxy.targetPort = stage.backend.port
    stage.proxy.reset()
  },
}

/** Limit of a worker at its start. */
const MAX_FILES = 512
/**
 * Process that restores the limit: a process that may not open files cannot start another program
 * for it.
 */
let giveBack: ChildProcess | undefined

/** No file or socket can be opened, whatever is closed: the limit is below the lowest number. */
function takeFiles(): void {
  const pid = String(process.pid)
  giveBack = spawn('sh', ['-c', 'read -r line; prlimit --pid "$1" --nofile="$2":', 'sh', pid, String(MAX_FILES)], {
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  const { status } = spawnSync('prlimit', ['--pid', pid, '--nofile=3:'])
  if (status !== 0) throw new Error('prlimit did not lower the file limit')
}

async function giveFiles(): Promise<void> {
  const child = giveBack
  giveBack = undefined
  if (child === undefined) return
  await new Promise((resolve) => {
    child.once('exit', resolve)
    child.stdin!.end('\n')
  })
}

/** Open connections are cut, and new ones cannot be opened. */
export const noConnection: Harm = {
  says: 'the connection is cut, and a new one fails: EMFILE, ECONNREFUSED, ENETUNREACH',
  lacks: (variant) =>
    variant === 'EMFILE' && spawnSync('prlimit', ['--version']).error !== undefined ? 'no program prlimit' : undefined,
  client: { lookupTtlMs: 0 },
  async apply({ variant, stage, phase }) {
    if (variant === 'refused') await stage.proxy.refuse()
    // TCP to a multicast address: the kernel has no route for it.
    else if (variant === 'unreachable') stage.names.answer = [{ address: '224.0.0.1', family: 4 }]
    else takeFiles()
    if (phase === 'dial') return
    stage.proxy.reset()
    if (phase === 'idle') await until(5_000, 'the client sees the end', () => stage.open === 0)
  },
  async lift({ variant, stage }) {
    await giveFiles()
    stage.names.answer = LOCAL
    if (variant === 'refused') await stage.proxy.listen()
  },
}
