/** The examples of docs/testing.md run as they stand: with the real msw and the real nock. */

import { docsStage } from './stage.js'

const stage = docsStage('docs/testing.md', (_request, response) => void response.end('hello'))

it('a client whose server is a function', async () => {
  expect(await stage.play(stage.examples[0]!)).toBe('hello from https://api.example/a\n{ got: { n: 1 } }\n1\n')
  expect(stage.origin.connections).toBe(0)
})

it.each([
  ['msw 2', 3],
  ['nock 14', 4],
])('%s intercepts what it is told to, and the rest goes over our connections', async (_name, at) => {
  expect(await stage.play(stage.examples[at]!)).toBe("{ name: 'Ada' }\n200\n")
  expect(stage.origin.requests).toEqual([expect.objectContaining({ path: '/wiki/HTTP/2', protocol: 'h2' })])
})

it.each([
  ['msw 2', "import { setupServer } from 'msw/node'; setupServer().listen({ onUnhandledRequest: 'error' })"],
  ['nock 14', "import nock from 'nock'; nock.disableNetConnect(); nock('https://x.example').get('/').reply(200)"],
])('%s leaves a client of its own alone', async (_name, listening) => {
  const program = `${listening}
    import { createClient } from 'unshard'
    const client = createClient()
    const responses = await client.requestAll(['en', 'de', 'fr'].map((name) => ({ url: 'https://' + name + '.wikipedia.org/' })))
    for (const { value } of responses) console.log(value.status, value.connection.protocol, await value.text())
    await client.close()`
  expect(await stage.play(program)).toBe('200 h2 hello\n'.repeat(3))
  expect(stage.origin.connections).toBe(1)
})
