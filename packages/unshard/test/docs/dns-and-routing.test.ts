/** The recipes of docs/guides/dns-and-routing.md, with a DNS server, a DNS-over-HTTPS server and a proxy of this machine. */

import { createSocket } from 'node:dgram'
import { type OriginHandler, startTestProxy } from '@unshard/testkit'
import { decode, encode } from 'dns-packet'
import { docsStage, examplesOf } from './stage.js'

const page = 'docs/guides/dns-and-routing.md'
const [system, https, pac] = examplesOf(page) as [string, string, string]

/** Answers every question with this machine. */
function answerTo(message: Buffer): Buffer {
  const { id, questions } = decode(message)
  const answers = (questions ?? []).map(({ name }) => ({ type: 'A', name, ttl: 60, data: '127.0.0.1' }) as const)
  return encode({ type: 'response', id: id ?? 0, questions: questions ?? [], answers })
}

const handler: OriginHandler = (request, response) => {
  if (request.url !== '/dns-query') return void response.end('hello')
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => void parts.push(part))
  request.on('end', () => {
    response.setHeader('content-type', 'application/dns-message')
    response.end(answerTo(Buffer.concat(parts)))
  })
}

const stage = docsStage(page, handler)

function statedIn(example: string): string[] {
  return [...example.matchAll(/\/\/ → (.*)$/gm)].map((match) => match[1]!)
}

const linesOf = async (example: string): Promise<string[]> => (await stage.play(example)).trimEnd().split('\n')

it('a DNS server of the caller resolves the names', async () => {
  const server = createSocket('udp4')
  let asked = 0
  server.on('message', (message, { port, address }) => {
    asked++
    server.send(answerTo(message), port, address)
  })
  await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve))
  try {
    expect(await linesOf(system.replace('192.0.2.53', `127.0.0.1:${server.address().port}`))).toEqual(statedIn(system))
    expect(asked).toBe(1)
  } finally {
    server.close()
  }
})

it('DNS over HTTPS resolves the names, over a client of its own', async () => {
  expect(await linesOf(https)).toEqual(statedIn(https))
  expect(stage.origin.requests.map(({ path }) => path)).toEqual(['/dns-query', '/'])
})

it('a PAC file chooses the proxy', async () => {
  const proxy = await startTestProxy()
  try {
    expect(await linesOf(pac.replace('proxy.example:3128', `127.0.0.1:${proxy.port}`))).toEqual(statedIn(pac))
    expect(proxy.tunnels).toHaveLength(1)
  } finally {
    await proxy.close()
  }
})
