// Runs a foreign server program for a test: finds it, gives it a folder and a free port, waits until it listens, and makes sure
// that it dies with the test, even when the test's process is killed (a watchdog reads a pipe that closes with its writer).
import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs'
import net, { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

export interface ExternalServer {
  readonly name: string
  readonly port: number
  readonly pid: number
  /** Kills the program and everything it started, and removes its folder. */
  stop(): Promise<void>
  /** SIGSTOP: the kernel still accepts and acknowledges, the program is silent. */
  pause(): void
  /** SIGCONT. */
  resume(): void
  /** Reads the configuration anew; old connections drain. Only nginx can. */
  reload?(): void
}

export interface ExternalProgram {
  readonly name: string
  /** Writes what the program needs into the folder, returns its arguments. */
  configure(folder: string, port: number): readonly string[]
  /** The signal that makes it read its configuration anew. */
  readonly reloadSignal?: NodeJS.Signals
}

const START_TIMEOUT_MS = 10_000
const POLL_MS = 20
const ADDRESS = '127.0.0.1'

const reported = new Set<string>()

/** @throws with the program's stderr when it does not come up. Resolves with undefined when it is not installed. */
export async function startProgram(program: ExternalProgram): Promise<ExternalServer | undefined> {
  const file = findProgram(program.name)
  if (file === undefined) {
    if (!reported.has(program.name)) process.stderr.write(`${program.name} is not installed: tests with it are skipped\n`)
    reported.add(program.name)
    return undefined
  }
  const folder = mkdtempSync(join(tmpdir(), `unshard-${program.name}-`))
  try {
    const port = await freePort()
    return await run(program, file, program.configure(folder, port), folder, port)
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
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

async function run(
  { name, reloadSignal }: ExternalProgram,
  file: string,
  args: readonly string[],
  folder: string,
  port: number,
): Promise<ExternalServer> {
  // Detached: a process group of its own, so that one signal reaches the program's workers too.
  const child = spawn(file, args, { cwd: folder, detached: true, stdio: ['ignore', 'ignore', 'pipe'] })
  const handles = [child, child.stderr as net.Socket]
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-10_000)
  })
  let exited = false
  const exit = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      stderr += error.message
    })
    child.once('close', () => {
      exited = true
      resolve()
    })
  })
  const watchdog = child.pid === undefined ? undefined : startWatchdog(child, folder)
  // A number that is free again may become another process's: no watchdog over it.
  void exit.then(() => watchdog?.kill('SIGKILL'))
  const stop = async (): Promise<void> => {
    for (const handle of handles) handle.ref()
    if (!exited) signalGroup(child, 'SIGKILL')
    await exit
    rmSync(folder, { recursive: true, force: true })
  }

  const deadline = Date.now() + START_TIMEOUT_MS
  while (!(await accepts(port)) || exited) {
    if (exited || Date.now() > deadline) {
      await stop()
      throw new Error(`${name} did not start on port ${port}: ${stderr}`)
    }
    await new Promise((resolve) => {
      setTimeout(resolve, POLL_MS)
    })
  }
  for (const handle of handles) handle.unref()

  return {
    name,
    port,
    pid: child.pid!,
    stop,
    pause: () => signalGroup(child, 'SIGSTOP'),
    resume: () => signalGroup(child, 'SIGCONT'),
    ...(reloadSignal !== undefined && { reload: () => void child.kill(reloadSignal) }),
  }
}

/** Reads until this process is gone, then kills the program's group and removes its folder. */
function startWatchdog(child: ChildProcess, folder: string): ChildProcess {
  const script = 'read -r line; kill -s KILL -- "-$1"; rm -rf -- "$2"'
  const watchdog = spawn('/bin/sh', ['-c', script, 'sh', String(child.pid), folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  for (const handle of [watchdog, watchdog.stdin as net.Socket]) handle.unref()
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
