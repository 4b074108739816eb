/** One connection over a modelled path, with both ends recorded. */

import { Kernel } from '../../src/kernel/kernel.js'
import { Random } from '../../src/kernel/random.js'
import { Trace } from '../../src/kernel/trace.js'
import type { End } from '../../src/network/flow.js'
import { Machine, type PathOptions } from '../../src/network/machine.js'
import { Network } from '../../src/network/network.js'

export const ADDRESS = '10.0.0.1'

/** What happened at one end, with its time in milliseconds. */
export type Seen = readonly [ms: number, event: string]

export interface Path {
  readonly kernel: Kernel
  readonly machine: Machine
  readonly network: Network
  readonly client: End
  readonly server: End
  readonly atClient: Seen[]
  readonly atServer: Seen[]
}

export function newNetwork(options: PathOptions): Pick<Path, 'kernel' | 'machine' | 'network'> {
  const kernel = new Kernel((error) => {
    throw error
  })
  const machine = new Machine(kernel, options, new Random(1, 'path'))
  const network = new Network(kernel, new Trace(() => kernel.now, false))
  network.place(ADDRESS, machine)
  return { kernel, machine, network }
}

/** Connects, and begins to record. Time is then the round trip of the handshake. */
export function connected(options: PathOptions): Path {
  const { kernel, machine, network } = newNetwork(options)
  const atClient: Seen[] = []
  const atServer: Seen[] = []
  let server: End | undefined
  let client: End | undefined
  network.listen(ADDRESS, 443, (end) => {
    server = end
    record(kernel, end, atServer)
  })
  network.dial({
    address: ADDRESS,
    port: 443,
    onConnected(end) {
      client = end
      record(kernel, end, atClient)
    },
    onFailed(code) {
      throw new Error(code)
    },
  })
  kernel.run(10_000, () => client !== undefined)
  return { kernel, machine, network, client: client!, server: server!, atClient, atServer }
}

function record(kernel: Kernel, end: End, seen: Seen[]): void {
  const note = (event: string): void => {
    seen.push([kernel.now, event])
  }
  end.listener = {
    onBytes: (bytes) => note(Buffer.from(bytes).toString('latin1')),
    onEnd: () => note('FIN'),
    onError: (code) => note(code),
    onDrain: () => note('drain'),
  }
}
