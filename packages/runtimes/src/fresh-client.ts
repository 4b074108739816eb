/**
 * One run of the suite `fresh`, in a process of its own: many hosts at once, before anything is
 * known about them. Prints the number of connections of each step, as JSON.
 */

import type { LookupFunction } from 'node:net'
import { type Client, createClient } from 'unshard'
import type { ServerReport } from './server-report.js'

const report = JSON.parse(process.env['UNSHARD_REPORT'] ?? '') as ServerReport

const lookup: LookupFunction = (_name, options, callback) => {
  const address = { address: '127.0.0.1', family: 4 }
  queueMicrotask(() => (options.all === true ? callback(null, [address]) : callback(null, address.address, 4)))
}

/** Requests each host once at the same time. Returns the number of connections that responded. */
async function burst(client: Client, family: 'named' | 'wild', hosts: number, path: string): Promise<number> {
  const requests = Array.from({ length: hosts }, async (_, number) => {
    const response = await client.request({ url: `https://h${number}.${family}.example:${report[family]}${path}` })
    await response.text()
    return response.headers.get('x-connection')
  })
  return new Set(await Promise.all(requests)).size
}

const steps: Record<string, number> = {}
for (const family of ['named', 'wild'] as const) {
  for (const hosts of [10, 12]) {
    for (const minVersion of ['TLSv1.3', 'TLSv1.2'] as const) {
      const tls = { ca: report.ca, minVersion, ...(minVersion === 'TLSv1.2' && { maxVersion: minVersion }) }
      const client = createClient({ tls, lookup })
      const name = `${hosts} hosts, ${family}, ${minVersion}`
      steps[`${name}, first burst`] = await burst(client, family, hosts, '/')
      steps[`${name}, second burst`] = await burst(client, family, hosts, '/')
      // The server closes the connection: the next one resumes its session where the runtime can.
      const last = await client.request({ url: `https://h0.${family}.example:${report[family]}/last` })
      await last.text()
      steps[`${name}, burst after a reconnection`] = await burst(client, family, hosts, '/')
      await client.close()
    }
  }
}
console.log(JSON.stringify(steps))
process.exit(0)
