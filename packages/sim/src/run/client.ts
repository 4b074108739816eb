/** Loads the client into the modelled world, and makes one for a run. */

import type { Client } from '@unshard/core'
import { replaceBuiltins } from '../kernel/builtins.js'
import { checkDrain } from '../kernel/drain.js'
import type { WorldScript } from '../script/script.js'
import { type Environment, PROXY_PORT } from '../world/environment.js'

interface Loaded {
  readonly core: typeof import('@unshard/core')
  readonly coalescing: typeof import('@unshard/coalescing')
}

let loaded: Loaded | undefined

/** Replaces builtins, then loads the published code. Call before the first run. */
export async function loadClient(): Promise<void> {
  if (loaded !== undefined) return
  checkDrain()
  replaceBuiltins()
  loaded = { core: await import('@unshard/core'), coalescing: await import('@unshard/coalescing') }
}

/** @param sharing whether connections serve several origins, if the script wants it. */
export function makeClient(environment: Environment, script: WorldScript, sharing: boolean): Client {
  const { core, coalescing } = loaded!
  const { kernel, resolver } = environment
  const clock = {
    now: () => kernel.monotonic,
    wallNow: () => kernel.wall,
    startTimer: (delayMs: number, callback: () => void) => kernel.startTimer(delayMs, callback),
    afterTurn: (callback: () => void) => kernel.immediate(callback),
  }
  const { client, proxy } = script
  return new core.Client({
    ...client.options,
    clock,
    lookup: resolver.lookup,
    reuse:
      sharing && client.coalescing
        ? coalescing.coalescing(client.suspectStatuses === undefined ? {} : { suspectStatuses: client.suspectStatuses })
        : core.sameOrigin(),
    ...(proxy === undefined ? {} : { proxy: `${proxy.kind === 'http' ? 'http' : 'socks5h'}://${proxy.address}:${PROXY_PORT}` }),
  })
}
