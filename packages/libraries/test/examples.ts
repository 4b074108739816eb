/** Runs examples of guides as programs, with the servers that they name on this machine. */

import { readFileSync } from 'node:fs'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type NodeVersion, runProgram } from './nodes.js'

/** Leads every name to this machine, and port 443 to the server. */
const PRELOAD = `
  import dns from 'node:dns'
  import net from 'node:net'
  import { syncBuiltinESMExports } from 'node:module'
  const { lookup } = dns
  dns.lookup = (host, options, callback) => callback === undefined ? lookup(host, options) : callback(null, [{ address: '127.0.0.1', family: 4 }])
  const { connect } = net.Socket.prototype
  net.Socket.prototype.connect = function (...args) {
    const [first] = args.flat()
    if (first?.port === 443) first.port = Number(process.env.PORT)
    return connect.apply(this, args)
  }
  syncBuiltinESMExports()`

/** Returns the programs of a guide. @param name of the page, without extension. */
export function examplesOf(name: string): string[] {
  const page = readFileSync(new URL(`../../../docs/guides/${name}.md`, import.meta.url), 'utf8')
  return [...page.matchAll(/```js\n(.*?)```/gs)].map((match) => match[1]!)
}

/** Returns the lines of output that an example states. */
export function statedIn(example: string): string[] {
  return [...example.matchAll(/\/\/ → (.*)$/gm)].map((match) => match[1]!)
}

interface ExampleOptions {
  readonly port: number
  readonly ca: string
  readonly env?: Readonly<Record<string, string>>
  readonly files?: Readonly<Record<string, string>>
}

/**
 * Runs an example, and returns the lines of its output.
 * @param port of the server that it finds at port 443 of every host.
 * @param files beside the example, by name.
 */
export async function runExample(
  node: NodeVersion,
  example: string,
  { port, ca, env = {}, files = {} }: ExampleOptions,
): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'unshard-guide-'))
  try {
    await symlink(fileURLToPath(new URL('../node_modules', import.meta.url)), join(folder, 'node_modules'))
    for (const [name, content] of Object.entries({ ...files, 'example.mjs': example, 'preload.mjs': PRELOAD, 'ca.pem': ca }))
      await writeFile(join(folder, name), content)
    const args = ['--import', join(folder, 'preload.mjs'), join(folder, 'example.mjs')]
    const output = await runProgram(node, args, { PORT: String(port), NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'), ...env })
    return output.trimEnd().split('\n')
  } finally {
    await rm(folder, { recursive: true })
  }
}
