/** `unshard get`: what `--verbose`, `--trace` and `--connections` print, and `--har`. */

import { getFixture } from './fixture.js'

const { server, folder } = getFixture()

it('-v prints the frames of HTTP/2 with their names, flags, fields and settings', async () => {
  const origin = await server({ handler: (_request, response) => response.end('hello'), origins: ['https://b.test.example'] })
  const { get } = await folder()
  const { code, stdout, stderr } = await get('-v', `${origin.url('a.test.example')}/path`)
  expect([code, stdout]).toEqual([0, 'hello'])
  expect(stderr).toMatch(/^\[ *\d+\.\d{3}\] connection #1 to https:\/\/a\.test\.example:\d+ at 127\.0\.0\.1 port \d+, h2$/m)
  expect(stderr).toMatch(/\] send SETTINGS frame <length=\d+, flags=0x00, stream_id=0>\n +\[ENABLE_PUSH\(0x02\):0\]/)
  expect(stderr).toMatch(
    /\] send HEADERS frame <length=\d+, flags=0x05, stream_id=1>\n +; END_STREAM \| END_HEADERS\n +:method: GET/,
  )
  expect(stderr).toContain(':path: /path\n')
  expect(stderr).toMatch(/\] recv HEADERS frame <length=\d+, flags=0x04, stream_id=1>\n +; END_HEADERS\n +:status: 200/)
  expect(stderr).toMatch(/\] recv DATA frame <length=5, /)
  expect(stderr).toMatch(/\] recv ORIGIN frame <.*\n +\[https:\/\/b\.test\.example\]/)
  expect(stderr).toMatch(/\] send GOAWAY frame <.*\n +\(last_stream_id=0, error_code=NO_ERROR, debug_data=""\)/)
  expect(stderr).toMatch(/connection #1 closed \(close\) after 1 request\n/)
})

it('-v prints the heads of HTTP/1.1, and the lengths of content', async () => {
  const origin = await server({ protocols: ['http/1.1'], handler: (_request, response) => response.end('hello') })
  const { get } = await folder()
  const { stderr } = await get('-v', '-d', 'a=b', `${origin.url('a.test.example')}/path`)
  expect(stderr).toContain('> POST /path HTTP/1.1\n')
  expect(stderr).toContain('< HTTP/1.1 200 OK\n')
  expect(stderr).toMatch(/ \{ \[\d+ bytes data\]\n/)
})

it('-v escapes control characters in what a server sends', async () => {
  const handler = (_request: unknown, response: { setHeader(name: string, value: string): unknown; end(): unknown }): void => {
    response.setHeader('x', 'a\u009b31mb')
    response.end()
  }
  const origin = await server({ handler })
  const { get } = await folder()
  const { stderr } = await get('-v', `${origin.url('a.test.example')}/`)
  expect(stderr).toContain('x: a\\u009b31mb')
})

it.each([
  ['--trace', /^<= Recv data, \d+ bytes \(0x[0-9a-f]+\)\n0000: (?:[0-9a-f]{2} ){1,16} */m],
  ['--trace-ascii', /^0000: PRI \* HTTP\/2\.0/m],
])('%s writes all bytes to a file', async (option, pattern) => {
  const origin = await server()
  const { get, read } = await folder()
  expect((await get(option, 'trace', '-o', 'body', `${origin.url('a.test.example')}/`)).code).toBe(0)
  const text = await read('trace')
  expect(text).toMatch(pattern)
  expect(text).toMatch(/^== Info: connection #1 to /m)
  expect(text).toMatch(/^=> Send data, /m)
})

it('--trace - writes to standard output', async () => {
  const origin = await server()
  const { get } = await folder()
  expect((await get('--trace', '-', '-o', 'body', `${origin.url('a.test.example')}/`)).stdout).toContain('=> Send data, ')
})

it('--connections prints which connection carried each URL, and why', async () => {
  const origin = await server({ handler: (_request, response) => response.end('hello') })
  const { get } = await folder()
  const urls = ['a', 'b'].map((host) => `${origin.url(`${host}.test.example`)}/x`)
  const { stderr } = await get('--connections', ...urls)
  expect(stderr).toContain(`${urls[0]}  200, 5 bytes, #1 own (first-connection)\n`)
  expect(stderr).toContain(`${urls[1]}  200, 5 bytes, #1 shared (address-and-certificate)\n`)
  expect(stderr).toContain(
    `#1 h2 127.0.0.1 port ${origin.port}: ${origin.url('a.test.example')} ${origin.url('b.test.example')}\n`,
  )
  expect(stderr).toContain('1 dial, 1 TLS handshake\n')
})

it('--no-share gives each host a connection of its own', async () => {
  const origin = await server()
  const { get } = await folder()
  await get('--no-share', ...['a', 'b'].map((host) => `${origin.url(`${host}.test.example`)}/x`))
  expect(origin.connections).toBe(2)
})

it('--har records the requests, without credentials', async () => {
  const origin = await server()
  const { get, read } = await folder()
  await get('--har', 'file.har', '-u', 'user:secret', '-o', 'body', `${origin.url('a.test.example')}/path`)
  const text = await read('file.har')
  const { log } = JSON.parse(text) as { log: { entries: { request: { url: string } }[] } }
  expect(log.entries.map(({ request }) => request.url)).toEqual([`${origin.url('a.test.example')}/path`])
  expect(text).not.toContain(Buffer.from('user:secret').toString('base64'))
})
