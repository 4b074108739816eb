/** F18, F20, F21 and F23: names, certificates, ALPN, and connections that cannot be opened. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { type Credentials, startChaosProxy, startScriptedPeer } from '@unshard/testkit'
import type { CellFixture } from '../cell/fixture.js'
import { LOCAL } from '../cell/lookup.js'
import { until } from '../cell/time.js'
import type { Fault, Scene } from './fault.js'

function failure(code: string): Error {
  return Object.assign(new Error(`getaddrinfo ${code} a.test.example`), { code, syscall: 'getaddrinfo' })
}

/** An address without listener. */
const NOBODY = { address: '127.0.0.2', family: 4 }
/** The new address of the server. */
const ELSEWHERE = { address: '127.0.0.3', family: 4 }

/** The old address refuses connections, and the name resolves to another one. */
async function moved({ proxy, backend, names, undo }: CellFixture): Promise<void> {
  const other = await startChaosProxy(backend.port, { address: ELSEWHERE.address, port: proxy.port })
  undo.push(() => other.close())
  await proxy.refuse()
  names.answer = [ELSEWHERE]
}

export const dns: Fault = {
  says: 'DNS: no such name, failure, no answer, empty, stale, changed',
  client: { lookupTtlMs: 0 },
  async apply({ variant, fixture }) {
    const { names } = fixture
    if (variant === 'changed') return moved(fixture)
    if (variant === 'nxdomain') names.answer = failure('ENOTFOUND')
    else if (variant === 'servfail') names.answer = failure('EAI_AGAIN')
    else if (variant === 'timeout') names.answer = 'never'
    else names.answer = variant === 'empty' ? [] : [NOBODY]
  },
  lift({ fixture, variant }) {
    // The address stays.
    if (variant !== 'changed') fixture.names.answer = LOCAL
  },
}

/** Ends the connection in the pool; the next one is opened to `port`. */
async function reconnectTo({ fixture }: Scene, port: number): Promise<void> {
  fixture.proxy.targetPort = port
  fixture.proxy.reset()
  await until(5_000, 'the client sees the end', () => fixture.open === 0)
}

async function otherServer(scene: Scene, tls: Credentials, alpn: readonly string[]): Promise<void> {
  const peer = await startScriptedPeer(() => undefined, { tls, alpn })
  scene.fixture.undo.push(() => peer.close())
  await reconnectTo(scene, peer.port)
}

export const certificate: Fault = {
  says: 'another certificate on reconnect: expired, of another name, of another authority',
  startIn: 'idle',
  apply(scene) {
    const { expired, otherName, otherAuthority } = scene.environment.certificates
    const tls = { expired, name: otherName, authority: otherAuthority }[scene.variant]!
    return otherServer(scene, tls, ['h2'])
  },
  lift({ fixture }) {
    fixture.proxy.targetPort = fixture.backend.port
  },
}

export const alpn: Fault = {
  says: 'another protocol on reconnect: HTTP/1.1, or no common one',
  startIn: 'idle',
  async apply(scene) {
    if (scene.variant === 'none') return otherServer(scene, scene.environment.certificates.good, ['spdy/3'])
    await reconnectTo(scene, (await scene.environment.process()).http1Port)
  },
  lift({ fixture }) {
    fixture.proxy.targetPort = fixture.backend.port
    fixture.proxy.reset()
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
export const noConnection: Fault = {
  says: 'the connection is cut, and a new one fails: EMFILE, ECONNREFUSED, ENETUNREACH',
  lacks: (variant) =>
    variant === 'EMFILE' && spawnSync('prlimit', ['--version']).error !== undefined ? 'no program prlimit' : undefined,
  client: { lookupTtlMs: 0 },
  async apply({ variant, fixture, phase }) {
    if (variant === 'refused') await fixture.proxy.refuse()
    // TCP to a multicast address: the kernel has no route for it.
    else if (variant === 'unreachable') fixture.names.answer = [{ address: '224.0.0.1', family: 4 }]
    else takeFiles()
    if (phase === 'dial') return
    fixture.proxy.reset()
    if (phase === 'idle') await until(5_000, 'the client sees the end', () => fixture.open === 0)
  },
  async lift({ variant, fixture }) {
    await giveFiles()
    fixture.names.answer = LOCAL
    if (variant === 'refused') await fixture.proxy.listen()
  },
}
