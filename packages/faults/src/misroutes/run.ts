/**
 * Runs the load: parallel requests until all are sent, with a change of the environment every few
 * hundred.
 */

import { X509Certificate } from 'node:crypto'
import { type Authority, type Cores, createAuthority } from '@unshard/testkit'
import { within } from '../cell/time.js'
import { randomFor } from '../random.js'
import { Environment } from './environment.js'
import { Load } from './load.js'
import type { Seen } from './messages.js'
import { CERTIFICATES } from './plan.js'
import { Servers } from './servers.js'

/** Parallel requests. */
const WIDTH = 256
/**
 * Changes of the environment per run, and the maximum and minimum number of requests between two of
 * them.
 */
const CHANGES = 100
const MOST_BETWEEN = 2_000
const FEWEST_BETWEEN = 500
const REPORT_EVERY = 50_000
/** Longer than any deadline of a request. */
const STUCK_MS = 30_000

export interface RunOptions {
  readonly requests: number
  readonly seed: number
  readonly cores: Cores | undefined
  readonly report: (line: string) => void
}

export async function run({ requests, seed, cores, report }: RunOptions): Promise<Load> {
  const authority = await createAuthority()
  const certificates = await Promise.all(CERTIFICATES.map((plan) => issue(authority, plan)))
  const fingerprints = certificates.map(({ cert }) => new X509Certificate(cert).fingerprint256)
  const certificate = await authority.issue({ names: ['client.example'], clientAuth: true })
  const environment = new Environment(randomFor(seed, 'world'))
  let onReport = (_: Seen): void => undefined
  const servers = new Servers(cores?.server, (what) => onReport(what))
  const port = await servers.start({ certificates, ca: authority.ca, lives: environment.lives() })
  const load = new Load({ environment, random: randomFor(seed, 'load'), port, ca: authority.ca, fingerprints, certificate })
  onReport = (what) => load.onReport(what)
  const changeEvery = Math.min(MOST_BETWEEN, Math.max(FEWEST_BETWEEN, Math.floor(requests / CHANGES)))
  const lane = async (): Promise<void> => {
    while (load.requests < requests) {
      const number = load.requests + 1
      if (number % changeEvery === 0) {
        const change = environment.change()
        if (change !== undefined) servers.change(change)
      }
      if (number % REPORT_EVERY === 0) report(`${number} requests, ${load.misroutes} misroutes${wrongSoFar(load)}`)
      await within(STUCK_MS, `request ${number}`, load.sendOne())
    }
  }
  try {
    await Promise.race([Promise.all(Array.from({ length: WIDTH }, lane)), servers.lost])
    await servers.reported()
    await within(STUCK_MS, 'close()', load.close())
  } finally {
    await servers.end()
  }
  return load
}

function issue(authority: Authority, { names, commonName }: (typeof CERTIFICATES)[number]) {
  return authority.issue({ names, ...(commonName !== undefined && { commonName, noSubjectAltName: true }) })
}

function wrongSoFar({ problems }: Load): string {
  return problems.size === 0 ? '' : `; wrong: ${[...problems.keys()].join(', ')}`
}
