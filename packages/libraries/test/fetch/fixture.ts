/** Programs of libraries over our `fetch`, and the servers that they talk to. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { OriginHandler, TestWorld } from '@unshard/testkit'
import { NODES, type NodeVersion, runOn } from '../nodes.js'

/** The value of a check by name; `{ error }` with what programs see of an error. */
type Outcomes = Readonly<Record<string, unknown>>

/** What a program prints. */
interface Printed {
  readonly h2: Outcomes
  readonly h1: Outcomes
  readonly builtin: Outcomes
  readonly hosts: readonly unknown[]
}

/** Time for a program, in milliseconds: far more than it needs, because a busy machine is ten times as slow. */
export const TIMEOUT_MS = 180_000

/** A version of a library. */
export interface Case {
  readonly name: string
  readonly node: NodeVersion
  readonly major: number
}

/** Each library on the oldest installed Node.js that it supports. @param needs22 those that need Node.js 22. */
export function casesOf(names: readonly string[], needs22: readonly string[] = []): Case[] {
  return names.flatMap((name) => {
    const node = NODES.find(({ major }) => major >= 22 || !needs22.includes(name))
    return node === undefined ? [] : [{ name, node, major: node.major }]
  })
}

/**
 * Runs a program with the name of a library, and returns the outcomes over HTTP/2. Those of both protocols must be the outcomes with the
 * built-in `fetch`, except for `differs`, and the twelve hosts must share the connection of all other requests over HTTP/2.
 */
export async function runFamily(
  world: TestWorld,
  family: string,
  { name, node }: Pick<Case, 'name' | 'node'>,
  handler: (...args: Parameters<OriginHandler>) => unknown,
  differs: readonly string[] = [],
): Promise<Outcomes> {
  const [h2, h1] = [
    await world.server({ handler: reported(handler), protocols: ['h2'] }),
    await world.server({ handler: reported(handler), protocols: ['http/1.1'] }),
  ]
  const refusing = await world.server()
  await refusing.close()
  const ports = { H2: String(h2.port), H1: String(h1.port), NONE: String(refusing.port) }
  const program = fileURLToPath(new URL(`./programs/${family}.mjs`, import.meta.url))
  const env = { CA: world.authority.ca, NODE_EXTRA_CA_CERTS: await caFile(world), ...ports }
  const printed = (await runOn(node, program, [name], env, TIMEOUT_MS)) as Printed
  const [first] = printed.hosts
  expect(first).not.toHaveProperty('error')
  expect(printed.hosts).toEqual(Array(12).fill(first))
  expect(h2.connections).toBe(1)
  const compared = Object.keys(printed.builtin).filter((check) => !differs.includes(check))
  for (const each of [printed.h1, printed.h2]) expect(of(compared, each)).toEqual(of(compared, printed.builtin))
  return printed.h2
}

/** Makes an error of a handler a response, which the outcome of a check then shows. */
function reported(handler: (...args: Parameters<OriginHandler>) => unknown): OriginHandler {
  return async (request, response) => {
    try {
      await handler(request, response)
    } catch (error) {
      if (!response.headersSent) response.writeHead(418)
      response.end(`the handler failed: ${error}`)
    }
  }
}

function of(names: readonly string[], outcomes: Outcomes): Outcomes {
  return Object.fromEntries(names.map((name) => [name, outcomes[name]]))
}

async function caFile(world: TestWorld): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'unshard-fetch-'))
  world.defer(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'ca.pem'), world.authority.ca)
  return join(folder, 'ca.pem')
}
