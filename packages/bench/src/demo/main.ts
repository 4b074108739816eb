/**
 * `npm start`: twelve hosts of one certificate at one address, and three that cannot share. The
 * built-in fetch and unshard each fetch ten resources of every host, cold; then it prints how many
 * connections that took, and which connection served each host and why. The requests of unshard are recorded,
 * and drawn as a page.
 */

import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ClientReport, type HostReport, RESOURCES_PER_SHARD, type Seen, type Servers, SHARDS } from './scenario.js'
import { demoFiles, offerToOpen, writePage } from './waterfall.js'

interface ClientResult {
  readonly name: string
  readonly connections: number
  readonly handshakes: number
  readonly protocol: string
  readonly requests: number
  readonly ok: number
  readonly ms: number
}

const json = process.argv.includes('--json')
const folder = mkdtempSync(join(tmpdir(), 'unshard-demo-'))
const files = demoFiles()
const servers = fork(script('servers.js'))
try {
  await demo()
} finally {
  release(servers)
  rmSync(folder, { recursive: true })
}
if (!json) await offerToOpen(files.page)

async function demo(): Promise<void> {
  const where = await nextMessage<Servers>(servers)
  const caFile = join(folder, 'ca.pem')
  writeFileSync(caFile, where.ca)
  const builtIn = await runClient('built-in', where, caFile)
  release(builtIn.child)
  const unshard = await runClient('unshard', where, caFile)
  unshard.child.send('odd')
  const hosts = await nextMessage<readonly HostReport[]>(unshard.child)
  release(unshard.child)
  writePage(files)
  const clients = [builtIn.result, unshard.result]
  if (json) console.error(`waterfall: ${files.page}, recorded in ${files.har}`)
  if (json) console.log(JSON.stringify({ clients, hosts }))
  else print(clients, hosts)
  if (clients.some(({ ok, requests }) => ok !== requests)) process.exitCode = 1
}

/** Runs one client from a cold start and returns what the servers counted. */
async function runClient(name: string, where: Servers, caFile: string): Promise<{ child: ChildProcess; result: ClientResult }> {
  const child = fork(script('client.js'), [name, files.har], { env: { ...process.env, NODE_EXTRA_CA_CERTS: caFile } })
  child.send(where)
  const { ok, requests, ms, protocol } = await nextMessage<ClientReport>(child)
  servers.send('seen')
  const { connections, handshakes } = await nextMessage<Seen>(servers)
  return { child, result: { name, connections, handshakes, protocol, requests, ok, ms } }
}

/** A child with nothing left to do may have exited already. */
function release(child: ChildProcess): void {
  if (child.connected) child.disconnect()
}

function nextMessage<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => reject(new Error(`a process of the demo ended early, with code ${code}`))
    child.once('exit', onExit)
    child.once('message', (message) => {
      child.off('exit', onExit)
      resolve(message as T)
    })
  })
}

function print(clients: readonly ClientResult[], hosts: readonly HostReport[]): void {
  console.log(`\n${SHARDS.length} hosts × ${RESOURCES_PER_SHARD} resources, cold, over TLS on this machine:\n`)
  printTable(
    ['client', 'connections', 'handshakes', 'protocol', 'right responses', 'time'],
    clients.map((c) => [c.name, `${c.connections}`, `${c.handshakes}`, c.protocol, `${c.ok} of ${c.requests}`, `${c.ms} ms`]),
  )
  console.log('\nConnections used by unshard, and why each was chosen:\n')
  printTable(
    ['host', 'protocol', 'connection', 'shared', 'because'],
    hosts.map((h) => [h.host, h.protocol, `#${h.connection}`, h.coalesced ? 'yes' : 'no', h.because]),
  )
  console.log(`\nEach request of unshard as a waterfall: ${files.page}`)
  console.log(`The recording it was drawn from:        ${files.har}\n`)
}

function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)))
  for (const row of [head, widths.map((width) => '─'.repeat(width)), ...rows]) {
    console.log(`  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')}`.trimEnd())
  }
}

function script(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url))
}
