/**
 * `npm run bench:download`: `unshard get -o` beside curl, 1 GB over HTTP/2 and TLS from nghttpd, client and server on cores of their own.
 * Prints the median rate and the largest resident memory of each, and the ratio of the rates. The files are compared.
 */

import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { chooseCores, createAuthority, pinned, startNghttpd } from '@unshard/testkit'

const COMMAND = new URL('../../../unshard/dist/bundle/cli/main.js', import.meta.url).pathname
/** Time between two looks at the memory of a process, in milliseconds. The kernel keeps the maximum. */
const LOOK_MS = 50

interface Round {
  readonly seconds: number
  readonly megabytes: number
}

const { values } = parseArgs({
  options: { megabytes: { type: 'string', default: '1000' }, rounds: { type: 'string', default: '5' } },
})
const bytes = Number(values.megabytes) * 1_000_000
const folder = mkdtempSync(join(tmpdir(), 'unshard-download-'))
try {
  await measure()
} finally {
  rmSync(folder, { recursive: true })
}

async function measure(): Promise<void> {
  const authority = await createAuthority()
  const ca = join(folder, 'ca.pem')
  writeFileSync(ca, authority.ca)
  writeFileSync(join(folder, 'large'), '')
  truncateSync(join(folder, 'large'), bytes)
  const cores = chooseCores()
  const tls = await authority.issue({ names: ['localhost'] })
  const server = await startNghttpd({ tls, docroot: folder })
  if (server === undefined) throw new Error('nghttpd is not installed')
  if (cores !== undefined) execFileSync('taskset', ['-acp', `${cores.server}`, `${server.pid}`], { stdio: 'ignore' })
  try {
    const url = `https://localhost:${server.port}/large`
    const commands: Readonly<Record<string, readonly [string, ...string[]]>> = {
      curl: ['curl', '-s', '--cacert', ca, '-o', join(folder, 'curl'), url],
      unshard: [process.execPath, COMMAND, 'get', '-s', '--cacert', ca, '-o', join(folder, 'unshard'), url],
    }
    const rounds: Record<string, Round[]> = { curl: [], unshard: [] }
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const [name, command] of Object.entries(commands)) {
        rmSync(join(folder, name), { force: true })
        rounds[name]!.push(await run(pinned(cores?.client, command)))
      }
    }
    execFileSync('cmp', [join(folder, 'curl'), join(folder, 'unshard')])
    print(rounds)
  } finally {
    await server.stop()
  }
}

/** Runs a command. @throws Error if it fails. */
async function run([program, ...args]: readonly [string, ...string[]]): Promise<Round> {
  const begun = performance.now()
  const child = spawn(program, args, { stdio: 'inherit' })
  let megabytes = 0
  const timer = setInterval(() => {
    megabytes = Math.max(megabytes, peakOf(child.pid!))
  }, LOOK_MS)
  const code = await new Promise<number | null>((resolve) => void child.once('close', resolve))
  clearInterval(timer)
  if (code !== 0) throw new Error(`${program} failed with exit code ${code}`)
  return { seconds: (performance.now() - begun) / 1_000, megabytes }
}

/** The largest resident memory of a process until now, in megabytes; 0 once it has ended. */
function peakOf(pid: number): number {
  try {
    const [, kilobytes = '0'] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return (Number(kilobytes) * 1_024) / 1_000_000
  } catch {
    return 0
  }
}

function print(rounds: Readonly<Record<string, readonly Round[]>>): void {
  const seconds = (name: string): number => median(rounds[name]!.map((round) => round.seconds))
  for (const name of Object.keys(rounds)) {
    const memory = Math.max(...rounds[name]!.map(({ megabytes }) => megabytes))
    console.log(`${name}: ${(bytes / seconds(name) / 1_000_000).toFixed(0)} MB/s, at most ${memory.toFixed(0)} MB resident`)
  }
  console.log(`unshard: ${(seconds('curl') / seconds('unshard')).toFixed(2)} × the rate of curl`)
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}
