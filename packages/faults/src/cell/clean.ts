/** Checks that a run leaves nothing behind: no sockets, timers, streams or unhandled rejections. */

import { subscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import type { CellFixture } from './fixture.js'
import { turn, until, within } from './time.js'

const CLEANUP_TIMEOUT_MS = 5_000

/** Uncaught errors since the last call. */
const uncaught: unknown[] = []
process.on('uncaughtException', (error) => uncaught.push(error))
process.on('unhandledRejection', (error) => uncaught.push(error))

/** All open sockets of this process, including those that do not keep it alive. */
const opened = new Set<Socket>()
subscribe('net.client.socket', (message) => {
  const { socket } = message as { socket: Socket }
  opened.add(socket)
  socket.once('close', () => opened.delete(socket))
})

/** Counts resources by type. Files and signals of the process itself come and go. */
function resources(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const name of process.getActiveResourcesInfo()) {
    if (/TCP|TLS|Timeout|GetAddrInfo|Connect/.test(name)) counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}

export class Traces {
  readonly #before = resources()

  /** Closes or destroys the client and returns the problems. */
  async sweep(fixture: CellFixture, gently: boolean): Promise<string[]> {
    const problems: string[] = []
    const { client, clock, proxy, backend } = fixture
    const attempt = async (what: string, promise: Promise<unknown>): Promise<void> => {
      await within(CLEANUP_TIMEOUT_MS, what, promise).catch((error: Error) => problems.push(error.message))
    }
    if (gently) await attempt('close() did not resolve', ending(fixture))
    client.destroy()
    await lingers(fixture)
    // Sockets of the proxy are connected to the server.
    const toProxy = (): Socket[] => [...opened].filter(({ remotePort }) => remotePort === proxy.port)
    await until(CLEANUP_TIMEOUT_MS, 'no socket', () => toProxy().length === 0).catch(() => undefined)
    if (toProxy().length > 0) problems.push(`${toProxy().length} sockets of the client stay open`)
    if (client.stats().connections.length > 0)
      problems.push(`${client.stats().connections.length} connections are still in the pool`)
    if (clock !== undefined && clock.pending > 0) problems.push(`${clock.pending} timers of the client are still running`)
    await attempt('the proxy did not close', proxy.close())
    for (const undo of fixture.undo.splice(0).reverse()) await undo()
    await attempt('the server still has open sockets', backend.quiet())
    problems.push(...(await this.#left()))
    for (const error of uncaught.splice(0)) problems.push(`uncaught error: ${(error as Error)?.stack ?? String(error)}`)
    return problems
  }

  async #left(): Promise<string[]> {
    const left = (): string[] =>
      [...resources()].filter(([name, count]) => count > (this.#before.get(name) ?? 0)).map(([name, count]) => `${count} ${name}`)
    await until(CLEANUP_TIMEOUT_MS, 'resources', () => left().length === 0 && opened.size === 0).catch(() => undefined)
    const sockets = opened.size === 0 ? [] : [`${opened.size} sockets`]
    opened.clear()
    const all = [...sockets, ...left()]
    return all.length === 0 ? [] : [`left open: ${all.join(', ')}`]
  }
}

/** Calls `close()` and advances the clock for a peer that does not close. */
async function ending(fixture: CellFixture): Promise<void> {
  let closed = false
  const closing = fixture.client.close().then(() => {
    closed = true
  })
  for (let ms = 0; ms < 5_000 && !closed; ms += 500) {
    await Promise.race([closing, new Promise((resolve) => setTimeout(resolve, 20).unref())])
    if (!closed) fixture.clock?.advance(500)
  }
  await closing
}

/** The socket of a peer that does not close lingers for one second of the client's clock. */
async function lingers({ clock, proxy }: CellFixture): Promise<void> {
  const clientsClosed = Promise.all(proxy.links.map(({ clientGone }) => clientGone))
  await Promise.race([clientsClosed, new Promise((resolve) => setTimeout(resolve, 50).unref())])
  clock?.advance(1_100)
  await turn()
}
