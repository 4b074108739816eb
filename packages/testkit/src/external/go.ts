// Builds and runs a Go program as a server: Go's own HTTP/2 stack is a frequent peer of users'
// requests.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface GoServer {
  readonly port: number
  kill(signal: NodeJS.Signals): void
  stop(): Promise<void>
}

/**
 * Starts `source`, a `main` package that prints its port as its first line. Its working directory
 * is the folder of `files`. Resolves with undefined, and prints a note, if Go is not installed.
 * @throws with the compiler's output.
 */
export async function startGo(source: string, files: Readonly<Record<string, string>>): Promise<GoServer | undefined> {
  if (spawnSync('go', ['version']).status !== 0) {
    process.stderr.write('go is not installed: tests with it are skipped\n')
    return undefined
  }
  const folder = mkdtempSync(join(tmpdir(), 'unshard-go-'))
  const clean = (): void => rmSync(folder, { recursive: true, force: true })
  for (const [name, text] of Object.entries({ 'main.go': source, ...files })) writeFileSync(join(folder, name), text)
  const built = spawnSync('go', ['build', '-o', 'server', 'main.go'], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, GO111MODULE: 'off', GOFLAGS: '', CGO_ENABLED: '0' },
  })
  if (built.status !== 0) {
    clean()
    throw new Error(built.stderr)
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
