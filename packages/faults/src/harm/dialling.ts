/** F18, F20, F21 and F23: names, certificates, ALPN, and connections that cannot be made. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { type Credentials, startChaosProxy, startScriptedPeer } from '@unshard/testkit'
import { LOCAL } from '../cell/lookup.js'
import type { Stage } from '../cell/stage.js'
import { until } from '../cell/time.js'
import type { Harm, Scene } from './harm.js'

function failure(code: string): Error {
  return Object.assign(new Error(`getaddrinfo ${code} a.test.example`), { code, syscall: 'getaddrinfo' })
}

/** Where nobody listens. */
const NOBODY = { address: '127.0.0.2', family: 4 }
/** Where the server has moved to. */
const ELSEWHERE = { address: '127.0.0.3', family: 4 }

/** The old address refuses, and the name has another one. */
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
    // It stays where it is now.
    if (variant !== 'changed') stage.names.answer = LOCAL
  },
}

/** The connection in the pool ends, and the next one leads to `port`. */
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
  says: 'another certificate when the client comes back: expired, of another name, of another authority',
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
  says: 'another protocol when the client comes back: HTTP/1.1, or none of its own',
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

/** What a worker starts with. */
const MAX_FILES = 512
/** Gives the files back: a process that may open none cannot start a program that does it. */
let giveBack: ChildProcess | undefined

/** No file and no socket can be opened, whatever is closed: below the lowest number there is none. */
function takeFiles(): void {
  const pid = String(process.pid)
  giveBack = spawn('sh', ['-c', 'read -r line; prlimit --pid "$1" --nofile="$2":', 'sh', pid, String(MAX_FILES)], {
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  const { status } = spawnSync('prlimit', ['--pid', pid, '--nofile=3:'])
  if (status !== 0) throw new Error('prlimit does not take the files away')
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

/** What is open is cut, and nothing new can be opened. */
export const noConnection: Harm = {
  says: 'the connection is cut, and a new one fails: EMFILE, ECONNREFUSED, ENETUNREACH',
  lacks: (variant) =>
    variant === 'EMFILE' && spawnSync('prlimit', ['--version']).error !== undefined ? 'no program prlimit' : undefined,
  client: { lookupTtlMs: 0 },
  async apply({ variant, stage, phase }) {
    if (variant === 'refused') await stage.proxy.refuse()
    // TCP to a group: the kernel has no route for that.
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
