/** The examples of docs/guides/testing.md run as they stand: with the real msw and the real nock. */

import { docsStage } from './stage.js'

const stage = docsStage('docs/guides/testing.md', (_request, response) => void response.end('hello'))

it('a client with a function as its server', async () => {
  expect(await stage.play(stage.examples[0]!)).toBe('hello from https://api.example/a\n{ got: { n: 1 } }\n1\n')
  expect(stage.origin.connections).toBe(0)
})

it('a client that answers from a recording', async () => {
  expect(await stage.play(stage.examples[1]!)).toBe('200\nERR_HAR_NO_ENTRY\n')
  expect(stage.origin.requests).toHaveLength(1)
})

/** Rewrites an example or a program for another major version. */
function version(source: string, name: string): string {
  const [, number] = name.split(' ')
  if (number === '2' || number === '14') return source
  return source.replaceAll(/'(msw|nock)(?=['/])/g, `'$1-${number}`).replace('onUnhandledRequest', 'onUnhandledFrame')
}

it.each([
  ['msw 2', 4],
  ['msw 3', 4],
  ['nock 14', 5],
  ['nock 15', 5],
])('%s intercepts the requests it is configured for, and the others use our connections', async (name, at) => {
  expect(await stage.play(version(stage.examples[at]!, name))).toBe("{ name: 'Ada' }\n200\n")
  // nock 15 replaces sockets, and its sockets speak HTTP/1.1.
  const protocol = name === 'nock 15' || name === 'msw 3' ? 'http/1.1' : 'h2'
  expect(stage.origin.requests).toEqual([expect.objectContaining({ path: '/wiki/HTTP/2', protocol })])
})

const ASK = `
  import { createClient } from 'unshard'
  const client = createClient({ timeouts: { total: 5_000 } })
  const ask = (name, init) => client.request({ url: 'https://' + name + '.wikipedia.org/', ...init })
  const tell = async (response) => console.log(response.status, response.connection.protocol, await response.text())`

it.each([
  ['msw 2', "import { setupServer } from 'msw/node'; setupServer().listen({ onUnhandledRequest: 'error' })", 'h2'],
  ['msw 3', "import { setupServer } from 'msw/node'; setupServer().listen({ onUnhandledRequest: 'error' })", 'http/1.1'],
  ['nock 14', "import nock from 'nock'; nock.disableNetConnect(); nock('https://x.example').get('/').reply(200)", 'h2'],
  ['nock 15', "import nock from 'nock'; nock('https://x.example').get('/').reply(200)", 'http/1.1'],
])('%s lets client requests without a handler pass', async (name, listening, protocol) => {
  const program = `${version(listening, name)}
    ${ASK}
    // The first alone: how long others wait for a handshake depends on time.
    await tell(await ask('en'))
    for (const response of await Promise.all(['de', 'fr'].map((name) => ask(name)))) await tell(response)
    await tell(await ask('en', { method: 'POST', body: 'content' }))
    await client.close()`
  expect(await stage.play(program)).toBe(`200 ${protocol} hello\n`.repeat(4))
  if (protocol === 'h2') expect(stage.origin.connections).toBe(1)
})

it('nock 15 answers client requests by name, over https and http; forbidden ones fail at once', async () => {
  const program = `import nock from 'nock-15'
    ${ASK}
    nock('https://api.example').get('/user').reply(200, { name: 'Ada' })
    nock('http://api.example').post('/user').reply(201, 'made')
    await tell(await client.request({ url: 'https://api.example/user' }))
    await tell(await client.request({ url: 'http://api.example/user', method: 'POST', body: 'Ada' }))
    nock.disableNetConnect()
    const { name, processed } = await ask('en').catch((error) => error)
    console.log(name, processed)
    nock.restore()
    await client.close()`
  expect(await stage.play(program)).toBe('200 http/1.1 {"name":"Ada"}\n201 http/1.1 made\nConnectionError unknown\n')
  expect(stage.origin.connections).toBe(0)
})

it.each(['msw 3', 'nock 15'])('a client created after %s was removed speaks HTTP/2 again', async (name) => {
  const program = version(
    name === 'msw 3'
      ? `import { setupServer } from 'msw/node'; const server = setupServer(); server.listen(); server.close(); ${ASK}`
      : `import nock from 'nock'; nock.restore(); ${ASK}`,
    name,
  )
  expect(await stage.play(`${program}; await tell(await ask('en')); await client.close()`)).toBe('200 h2 hello\n')
})
