/**
 * Loads what core loads on first use (the HTTP/1.1 parser, proxies): a world that runs in slices, with
 * real turns of the event loop in between. Later runs find it loaded.
 */

import { enterWorld, realImmediate, realPause } from '../kernel/builtins.js'
import type { WorldScript } from '../script/script.js'
import { loadClient } from './client.js'
import { prepare, Simulation } from './simulate.js'

const SLICES = 300
const SLICE_MS = 20

function scriptOf(proxy: WorldScript['proxy']): WorldScript {
  const hosts = ['one.sim.example', 'two.sim.example']
  return {
    ...{ seed: 1, world: 'warm-up', endMs: 1_000, client: { coalescing: true, options: {} }, faults: [] },
    ...(proxy === undefined ? {} : { proxy }),
    machines: [
      { address: '10.0.0.1', latencyMs: 1, servers: [{ model: 'nginx', certificate: ['*.sim.example'] }] },
      { address: '10.0.0.2', latencyMs: 1, servers: [{ model: 'old', certificate: ['*.sim.example'] }] },
    ],
    names: hosts.map((name, index) => ({ name, addresses: [`10.0.0.${index + 1}`] })),
    requests: hosts.map((host, index) => ({
      id: index + 1,
      at: 10,
      origin: `https://${host}`,
      method: 'GET',
      thinkMs: 1,
      bytes: 10,
    })),
  }
}

/** @throws Error if the client does not work in a world without faults. */
export async function warmUp(): Promise<void> {
  await loadClient()
  for (const kind of [undefined, 'http', 'socks5'] as const) {
    const script = scriptOf(kind === undefined ? undefined : { kind, address: '10.0.0.9' })
    await prepare(script)
    await runInSlices(script)
  }
}

async function runInSlices(script: WorldScript): Promise<void> {
  let simulation: Simulation | undefined
  for (let slice = 1; slice <= SLICES; slice++) {
    await new Promise<void>((resolve, reject) => {
      realImmediate(() => {
        try {
          if (simulation === undefined) {
            simulation = new Simulation(script, { verbose: true })
            simulation.begin()
          }
          enterWorld(simulation.environment.builtins)
          simulation.environment.kernel.run(slice * SLICE_MS)
          resolve()
        } catch (error) {
          reject(error as Error)
        } finally {
          enterWorld(undefined)
        }
      })
    })
    await realPause(1)
    const { records } = simulation!.environment.ledger
    const outcomes = [...records.values()].map(({ outcome }) => outcome)
    if (outcomes.length === script.requests.length && outcomes.every((outcome) => outcome?.status === 200)) return
  }
  const { trace, ledger } = simulation!.environment
  throw new Error(
    `the client does not work in a world without faults:\n${trace.lines!.join('\n')}\n${JSON.stringify(ledger.findings)}`,
  )
}
