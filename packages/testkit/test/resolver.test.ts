// The lookup has the form that net.connect requires: one address or all of them, of one family or
// both.
import { once } from 'node:events'
import net from 'node:net'
import { type StaticLookup, staticLookup } from '@unshard/testkit'

const ask = (lookup: StaticLookup, hostname: string, options: Parameters<StaticLookup>[1] = {}): Promise<unknown[]> =>
  new Promise((resolve) => {
    lookup(hostname, options, (...answer) => resolve(answer))
  })

test('one address, or all', async () => {
  const lookup = staticLookup({ 'a.test': ['127.0.0.2', '::1'], 'b.test': '127.0.0.3' })
  expect(await ask(lookup, 'a.test')).toEqual([null, '127.0.0.2', 4])
  expect(await ask(lookup, 'a.test', { family: 6 })).toEqual([null, '::1', 6])
  expect(await ask(lookup, 'A.test', { all: true })).toEqual([
    null,
    [
      { address: '127.0.0.2', family: 4 },
      { address: '::1', family: 6 },
    ],
  ])
  expect(await ask(lookup, 'b.test', { all: true, family: 'IPv4' })).toEqual([null, [{ address: '127.0.0.3', family: 4 }]])
  expect(lookup.calls).toEqual(['a.test', 'a.test', 'A.test', 'b.test'])
})

test('an unknown host or family is ENOTFOUND', async () => {
  const lookup = staticLookup({ 'a.test': '127.0.0.2' })
  expect((await ask(lookup, 'c.test'))[0]).toMatchObject({ code: 'ENOTFOUND', hostname: 'c.test', syscall: 'getaddrinfo' })
  expect((await ask(lookup, 'a.test', { family: 6 }))[0]).toMatchObject({ code: 'ENOTFOUND' })
})

test('net.connect accepts it, and answers rotate with the table', async () => {
  const lookup = staticLookup({ 'a.test': '127.0.0.2' })
  for (const address of ['127.0.0.2', '127.0.0.3']) {
    const server = net.createServer((socket) => socket.end()).listen(0, address)
    await once(server, 'listening')
    lookup.table['a.test'] = address
    const socket = net.connect({ host: 'a.test', port: (server.address() as net.AddressInfo).port, lookup })
    await once(socket, 'connect')
    expect(socket.remoteAddress).toBe(address)
    socket.destroy()
    server.close()
  }
})
