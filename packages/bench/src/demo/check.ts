/** Checks the demo's JSON against its expected results: for CI. */

import { ODD_HOSTS, RESOURCES_PER_SHARD, SHARDS } from './scenario.js'

interface Report {
  clients: { name: string; connections: number; handshakes: number; requests: number; ok: number; ms: number }[]
  hosts: { host: string; protocol: string; connection: number; coalesced: boolean; because: string }[]
}

const chunks: Buffer[] = []
for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
const report = JSON.parse(Buffer.concat(chunks).toString()) as Report
const problems: string[] = []
const expectEqual = (what: string, actual: unknown, expected: unknown): void => {
  if (actual !== expected) problems.push(`${what}: ${String(actual)}, expected ${String(expected)}`)
}

const requests = SHARDS.length * RESOURCES_PER_SHARD
for (const client of report.clients) expectEqual(`${client.name}: right responses`, client.ok, requests)
const unshard = report.clients.find(({ name }) => name === 'unshard')
expectEqual('unshard: connections', unshard?.connections, 1)
expectEqual('unshard: handshakes', unshard?.handshakes, 1)
const entryOf = (host: string) => report.hosts.find((entry) => entry.host === host)
const because = (host: string): string | undefined => entryOf(host)?.because
expectEqual('own certificate', because(ODD_HOSTS.ownCertificate), 'certificate-does-not-cover-host')
expectEqual('other address', because(ODD_HOSTS.otherAddress), 'address-differs')
// Its server has a separate address: no open connection leads there, whatever protocol it speaks.
expectEqual('HTTP/1.1 only', because(ODD_HOSTS.http1Only), 'address-differs')
expectEqual('HTTP/1.1 only: protocol', entryOf(ODD_HOSTS.http1Only)?.protocol, 'http/1.1')

for (const problem of problems) console.error(problem)
process.exitCode = problems.length === 0 ? 0 : 1
