// Runs an external server program for a test: finds it, assigns a folder and a free port, waits
// until it listens, and ensures that it ends with the test, even if the test process is killed (a
// watchdog reads a pipe that closes with its writer).
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process'
import { accessSync, closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import http, { type RequestListener } from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Duplex, Readable } from 'node:stream'
import type { UpgradeListener } from './documents.js'

export interface ExternalServer {
  readonly name: string
  readonly port: number
  readonly pid: number
  /** Kills the program with all its children, and removes its folder. */
  stop(): Promise<void>
  /** SIGSTOP: the kernel still accepts and acknowledges, but the program does not respond. */
  pause(): void
  /** SIGCONT. */
  resume(): void
  /**
   * Reloads the configuration; old connections drain. Resolves when the reload was requested. Not
   * supported by nghttpd.
   */
  reload?(): Promise<void>
}

/** Location of a program. */
export interface Place {
  readonly folder: string
  readonly port: number
  /** Port of the server behind it, if there is one. */
  readonly behindPort: number | undefined
}

export interface ExternalProgram {
  readonly name: string
  /** Writes the program's files into the folder and returns its arguments. */
  configure(place: Place): readonly string[]
  /** Handler of a server in this process to which the program forwards requests. */
  readonly behind?: ((folder: string) => RequestListener) | undefined
  /** Handles upgrades that the program forwards to that server. */
  readonly sockets?: UpgradeListener | undefined
  /** Signal or function that reloads the configuration. */
  readonly reload?: NodeJS.Signals | ((place: Place) => Promise<void>)
  /**
   * Checked once it listens, for a program that listens before it is certain to stay up or before
   * it handles signals.
   */
  readonly ready?: (place: Place) => boolean | Promise<boolean>
  /** Variables added to this process's environment. */
  readonly environment?: (folder: string) => NodeJS.ProcessEnv
}

const START_TIMEOUT_MS = 10_000
const POLL_MS = 20
const ADDRESS = '127.0.0.1'

const reported = new Set<string>()

/**
 * @throws with the program's stderr if it does not start. Resolves with undefined if it is not
 * installed.
 */
export async function startProgram(program: ExternalProgram): Promise<ExternalServer | undefined> {
  const file = findProgram(program.name)
  if (file === undefined) {
    if (!reported.has(program.name)) process.stderr.write(`${program.name} is not installed: tests with it are skipped\n`)
    reported.add(program.name)
    return undefined
  }
  const folder = mkdtempSync(join(tmpdir(), `unshard-${program.name}-`))
  const behind = program.behind && (await listenBehind(program.behind(folder), program.sockets))
  const clean = (): void => {
    behind?.close()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    return await run(program, file, { folder, port: await freePort(), behindPort: behind?.port }, clean)
  } catch (error) {
    clean()
    throw error
  }
}

async function listenBehind(
  listener: RequestListener,
  sockets: UpgradeListener | undefined,
): Promise<{ readonly port: number; close(): void }> {
  const server = http.createServer(listener)
  const upgraded = new Set<Duplex>()
  if (sockets !== undefined) {
    server.on('upgrade', (request, socket: Duplex, head) => {
      upgraded.add(socket.on('error', () => undefined))
      sockets(request, socket, head)
    })
  }
  await new Promise<void>((resolve) => {
    server.listen(0, ADDRESS, resolve)
  })
  // Like the program, it must not keep this process alive.
  server.unref().on('connection', (socket) => socket.unref())
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close()
      server.closeAllConnections()
      for (const socket of upgraded) socket.destroy()
    },
  }
}

function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

async function freePort(): Promise<number> {
  const server = net.createServer()
  await new Promise<void>((resolve) => {
    server.listen(0, ADDRESS, resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => {
    server.close(resolve)
  })
  return port
}

async function run(program: ExternalProgram, file: string, place: Place, clean: () => void): Promise<ExternalServer> {
  const { name, reload } = program
  const { folder, port } = place
  // A file, not a pipe: Apache opens /dev/stderr again, which does not work with a pipe of Node.
  const log = join(folder, 'stderr.log')
  const output = (): string => readFileSync(log, 'utf8').slice(-10_000)
  const child = launch(program, file, place, log)
  // Its workers hold this pipe too: it ends, and `close` is emitted, when the last of them has
  // ended.
  const handles = [child, child.stdout.resume() as net.Socket]
  let failure = ''
  let exited = false
  const exit = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      failure = error.message
    })
    child.once('close', () => {
      exited = true
      resolve()
    })
  })
  const watchdog = child.pid === undefined ? undefined : startWatchdog(child, folder)
  // A PID that was released may be reused by another process, so end the watchdog.
  void exit.then(() => watchdog?.kill('SIGKILL'))
  const stop = async (): Promise<void> => {
    for (const handle of handles) handle.ref()
    if (!exited) signalGroup(child, 'SIGKILL')
    await exit
    clean()
  }

  if (!(await comesUp(program, place, () => exited))) {
    const why = failure + output()
    await stop()
    throw new Error(`${name} did not start on port ${port}: ${why}`)
  }
  for (const handle of handles) unref(handle)

  return {
    name,
    port,
    pid: child.pid!,
    stop,
    pause: () => signalGroup(child, 'SIGSTOP'),
    resume: () => signalGroup(child, 'SIGCONT'),
    ...(reload !== undefined && {
      reload: async () => {
        if (typeof reload !== 'string') return reload(place)
        // From the last reload: a program that is still busy with it may ignore another signal.
        while (!exited && !((await program.ready?.(place)) ?? true)) await pause()
        child.kill(reload)
      },
    }),
  }
}

/** Resolves with whether it listens and is ready before it times out or ends. */
async function comesUp({ ready = () => true }: ExternalProgram, place: Place, exited: () => boolean): Promise<boolean> {
  const deadline = Date.now() + START_TIMEOUT_MS
  while (!exited() && Date.now() <= deadline) {
    if ((await accepts(place.port)) && (await ready(place)) && !exited()) return true
    await pause()
  }
  return false
}

function pause(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, POLL_MS)
  })
}

// Detached: a separate process group, so that one signal reaches the program's workers too.
function launch(program: ExternalProgram, file: string, place: Place, log: string): ChildProcessByStdio<null, Readable, null> {
  const { folder } = place
  const stderr = openSync(log, 'a')
  try {
    return spawn(file, program.configure(place), {
      cwd: folder,
      detached: true,
      stdio: ['ignore', 'pipe', stderr],
      env: { ...process.env, ...program.environment?.(folder) },
    }) as ChildProcessByStdio<null, Readable, null>
  } finally {
    closeSync(stderr)
  }
}

/** Reads until this process has ended, then kills the program's group and removes its folder. */
function startWatchdog(child: ChildProcess, folder: string): ChildProcess {
  const script = 'read -r line; kill -s KILL -- "-$1"; rm -rf -- "$2"'
  const watchdog = spawn('/bin/sh', ['-c', script, 'sh', String(child.pid), folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  for (const handle of [watchdog, watchdog.stdin as net.Socket]) unref(handle)
  return watchdog
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, ADDRESS)
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

/** Pipes of Bun's processes cannot be unreferenced: there, the process ends by itself only after them. */
function unref(handle: { unref?(): unknown }): void {
  handle.unref?.()
}
