// Builds and runs a Go program as a server: Go's own HTTP/2 stack is a frequent peer of users'
// requests.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface GoServer {
  readonly port: number
  kill(signal: NodeJS.Signals): void
  stop(): Promise<void>
}

/** Where Debian installs the sources of Go libraries. */
const GO_LIBRARIES = '/usr/share/gocode'

/**
 * Starts `source`, a `main` package that prints its port as its first line. Its working directory
 * is the folder of `files`. Resolves with undefined, and prints a note, if Go is not installed.
 * @param library import path of a library that the program needs, as Debian installs it. Its program
 *   is kept in the folder for temporary files, because compiling it takes long.
 * @throws with the compiler's output.
 */
export async function startGo(
  source: string,
  files: Readonly<Record<string, string>>,
  library?: string,
): Promise<GoServer | undefined> {
  const missing = missingOf(library)
  if (missing !== undefined) {
    process.stderr.write(`${missing} is not installed: tests with it are skipped\n`)
    return undefined
  }
  const folder = mkdtempSync(join(tmpdir(), 'unshard-go-'))
  const clean = (): void => rmSync(folder, { recursive: true, force: true })
  for (const [name, text] of Object.entries({ 'main.go': source, ...files })) writeFileSync(join(folder, name), text)
  try {
    if (library === undefined) build(folder)
    else copyFileSync(builtOnce(folder, source), join(folder, 'server'))
  } catch (error) {
    clean()
    throw error
  }
  // Its standard input is a pipe that closes with this process: the program reads it and then
  // exits.
  const child = spawn('./server', { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
  })
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
    clean()
  }
  return { port: await firstNumber(child), kill: (signal) => void child.kill(signal), stop }
}

function missingOf(library: string | undefined): string | undefined {
  if (spawnSync('go', ['version']).status !== 0) return 'go'
  return library === undefined || existsSync(join(GO_LIBRARIES, 'src', library)) ? undefined : `the Go library ${library}`
}

/** Compiles `main.go` in the folder to `server`. */
function build(folder: string): void {
  const built = spawnSync('go', ['build', '-o', 'server', 'main.go'], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, GO111MODULE: 'off', GOFLAGS: '', GOPATH: GO_LIBRARIES, CGO_ENABLED: '0' },
  })
  if (built.status !== 0) throw new Error(built.stderr)
}

/** Returns the path of the compiled program: a new one only if its source has changed. */
function builtOnce(folder: string, source: string): string {
  const cache = join(tmpdir(), 'unshard-go-programs')
  const program = join(cache, createHash('sha256').update(source).digest('hex').slice(0, 32))
  if (existsSync(program)) return program
  build(folder)
  mkdirSync(cache, { recursive: true })
  // In one step: another test may look for it at this moment.
  const copy = `${program}.${process.pid}`
  copyFileSync(join(folder, 'server'), copy)
  renameSync(copy, program)
  return program
}

function firstNumber(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout!.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (text.includes('\n')) resolve(Number.parseInt(text, 10))
    })
    child.once('exit', (code) => reject(new Error(`the Go program ended with ${code}`)))
  })
}
