/** `unshard get`: options that the examples of curl do not cover. */

import { spawn } from 'node:child_process'
import { createPrivateKey } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { type OriginResponse, startTestProxy } from '@unshard/testkit'
import { COMMAND, getFixture, outcomeOf } from './fixture.js'

const { server, folder, world } = getFixture()

/** A server of HTTP/1.1 without TLS. */
async function plainServer(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const started = createServer(handler).listen(0, '127.0.0.1')
  world.defer(() => void started.close())
  await once(started, 'listening')
  return `http://127.0.0.1:${(started.address() as AddressInfo).port}`
}

it.each([
  ['PEM', ['-E', 'both.pem']],
  ['PEM with a key file', ['-E', 'cert.pem', '--key', 'key.pem']],
  ['an encrypted key', ['-E', 'cert.pem', '--key', 'encrypted.pem', '--pass', 'secret']],
  ['a password after the file', ['-E', 'cert.pem:secret', '--key', 'encrypted.pem']],
])('-E authenticates with a certificate: %s', async (_title, options) => {
  const client = await world.authority.issue({ names: ['client.example'] })
  const tls = { ...(await world.authority.issue({ names: ['*.test.example'] })), ca: world.authority.ca }
  const origin = await server({ tls, requestCert: true })
  const { get, write } = await folder()
  const encrypted = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' } as const
  await write('cert.pem', client.cert)
  await write('key.pem', client.key)
  await write('both.pem', `${client.cert}\n${client.key}`)
  await write('encrypted.pem', createPrivateKey(client.key).export(encrypted) as string)
  expect(await get(...options, '-o', 'body', `${origin.url('a.test.example')}/`)).toMatchObject({ code: 0, stderr: '' })
  expect(origin.requests[0]!.clientName).toBe('client.example')
})

it.each([
  [['--tlsv1.3'], 'TLSv1.3'],
  [['--tlsv1.2', '--tls-max', '1.2'], 'TLSv1.2'],
])('%j uses %s', async (options, version) => {
  const versions: unknown[] = []
  const origin = await server({
    protocols: ['http/1.1'],
    handler: ({ socket }, response) => {
      versions.push((socket as TLSSocket).getProtocol())
      response.end()
    },
  })
  const { get } = await folder()
  expect((await get(...options, `${origin.url('a.test.example')}/`)).code).toBe(0)
  expect(versions).toEqual([version])
})

it.each([
  [['-E', 'missing.pem'], 58, '--cert: ENOENT'],
  [['--cert-type', 'DER', '-E', 'ca.pem'], 2, '--cert-type takes PEM or P12, not "DER"'],
  [['--cacert', 'missing.pem'], 77, '--cacert: ENOENT'],
  [['--tls-max', '1.1'], 2, '--tls-max takes 1.2 or 1.3, not "1.1"'],
  [['--interface', 'eth0'], 2, '--interface takes an IP address, not "eth0"'],
  [['-x', 'http://['], 5, '--proxy is not a valid URL'],
  [['--resolve', 'a:b'], 2, '--resolve takes HOST:PORT:ADDRESS[,ADDRESS…], not "a:b"'],
  [['--connect-to', 'a:b:c:d:e'], 2, '--connect-to takes HOST1:PORT1:HOST2:PORT2, not "a:b:c:d:e"'],
  [['-m', 'soon'], 2, '--max-time takes seconds, at most 2147483, not "soon"'],
  [['--retry', 'often'], 2, '--retry takes a number from 0 to 1000000, not "often"'],
  [['--limit-rate', '1x'], 2, '--limit-rate takes bytes, such as 100, 200k or 1.5M, not "1x"'],
  [['-C', 'x'], 2, '--continue-at takes a number'],
  [['-u', 'user'], 2, '--user takes name:password'],
  [['-H', 'no colon'], 2, '--header takes "Name: value", "Name:" or "Name;", not "no colon"'],
  [['-F', 'noequals'], 2, '--form takes name=content, not "noequals"'],
  [['-d', '@missing'], 26, '--data: ENOENT'],
  [['-d', 'x', '-F', 'a=b'], 2, '--data and --form cannot be used together'],
  [['-T', 'missing'], 26, '--upload-file: ENOENT'],
  [['--trace', '/nowhere/file'], 23, '--trace: ENOENT'],
  [['-D', '/nowhere/file'], 23, '--dump-header: ENOENT'],
  [['--frobnicate'], 2, "unknown option '--frobnicate'"],
])('%j fails with exit code %i and %s', async (args, code, message) => {
  const url = await plainServer((_request, response) => response.end())
  const { get } = await folder()
  const ran = await get(...args, `${url}/`)
  expect(ran.stderr).toContain(message)
  expect(ran.code).toBe(code)
})

it('a command without a URL fails with exit code 2', async () => {
  const { get } = await folder()
  expect(await get()).toMatchObject({ code: 2, stderr: 'unshard: no URL\nTry "unshard get --help".\n' })
})

it('--pinnedpubkey refuses another key with exit code 90', async () => {
  const origin = await server()
  const { get } = await folder()
  const { code, stderr } = await get(
    '--pinnedpubkey',
    `sha256//${Buffer.alloc(32).toString('base64')}`,
    `${origin.url('a.test.example')}/`,
  )
  expect(code).toBe(90)
  const pin = /sha256\/([A-Za-z0-9+/=]{44})/.exec(stderr)![1]!
  expect((await get('--pinnedpubkey', `sha256//${pin}`, `${origin.url('a.test.example')}/`)).code).toBe(0)
})

it('--http2-prior-knowledge uses HTTP/2 without TLS', async () => {
  const origin = await server({ tls: undefined, protocols: ['h2'] })
  const { get } = await folder()
  const { stdout } = await get(
    '--http2-prior-knowledge',
    '-w',
    '%{http_version}',
    '-o',
    '/dev/null',
    `${origin.url('a.test.example')}/`,
  )
  expect(stdout).toBe('2')
})

it.each([
  [['-4'], 0],
  [['-6'], 6],
])('%j uses addresses of that family alone', async (args, code) => {
  const url = await plainServer((_request, response) => response.end())
  const { get } = await folder()
  expect(
    (await get(...args, '--resolve', `a.example:${new URL(url).port}:127.0.0.1`, url.replace('127.0.0.1', 'a.example'))).code,
  ).toBe(code)
})

it('--interface connects from an address', async () => {
  const url = await plainServer((request, response) => response.end(request.socket.remoteAddress))
  const { get } = await folder()
  expect((await get('--interface', '127.0.0.2', url)).stdout).toBe('127.0.0.2')
})

it('--interface and -4, -6 hold for connections to another port of --connect-to', async () => {
  const url = await plainServer((request, response) => response.end(request.socket.remoteAddress))
  const { run } = await folder()
  const to = ['--connect-to', `a.example:80:localhost:${new URL(url).port}`, 'http://a.example/']
  expect((await run('get', '-4', '--interface', '127.0.0.2', ...to)).stdout).toBe('127.0.0.2')
  expect((await run('get', '-6', ...to)).code).not.toBe(0)
})

it('--proto-default is the scheme of URLs without one', async () => {
  const origin = await server()
  const { get } = await folder()
  const { stdout } = await get('--proto-default', 'https', '-w', '%{scheme}', '-o', '/dev/null', `a.test.example:${origin.port}/`)
  expect(stdout).toBe('https')
})

it.each([
  ['-U', ['-U', 'user:secret'], ''],
  ['the URL', [], 'user:secret@'],
])('credentials of the proxy are taken from %s', async (_title, args, userInfo) => {
  const proxy = await startTestProxy({ credentials: 'user:secret' })
  world.defer(() => proxy.close())
  const origin = await server()
  const { get } = await folder()
  const url = `${origin.url('a.test.example')}/`
  expect((await get('-x', proxy.url().replace('://', `://${userInfo}`), ...args, url)).code).toBe(0)
  const refused = await get('-x', proxy.url(), url)
  expect(refused.code).toBe(56)
  expect(refused.stderr).not.toContain('secret')
})

it('-x takes a SOCKS proxy', async () => {
  const proxy = await startTestProxy({ kind: 'socks' })
  world.defer(() => proxy.close())
  const origin = await server()
  const { get } = await folder()
  expect((await get('-x', proxy.url().replace(/^socks5?:/, 'socks5h:'), `${origin.url('a.test.example')}/`)).code).toBe(0)
})

it('--digest answers the challenge of a server', async () => {
  const url = await plainServer((request, response) => {
    const { authorization = '' } = request.headers
    if (!authorization.startsWith('Digest ')) {
      response.writeHead(401, { 'www-authenticate': 'Digest realm="x", nonce="n", qop="auth", algorithm=SHA-256' })
      return void response.end()
    }
    response.end(authorization)
  })
  const { get } = await folder()
  const { stdout } = await get('--digest', '-u', 'user:secret', url)
  expect(stdout).toContain('username="user"')
  expect(stdout).not.toContain('secret')
})

describe('retries', () => {
  const failing = (
    status: number,
    times: number,
  ): { handler: (request: IncomingMessage, response: ServerResponse) => void; count(): number } => {
    let requests = 0
    return {
      count: () => requests,
      handler: (_request, response) => {
        requests++
        response.statusCode = requests <= times ? status : 200
        response.end(`answer ${requests}`)
      },
    }
  }

  it.each([
    [503, 2, ['--retry', '3'], 3, 0],
    [503, 2, ['--retry', '1'], 2, 22],
    [404, 2, ['--retry', '3'], 1, 22],
    [404, 2, ['--retry', '3', '--retry-all-errors'], 3, 0],
    [503, 2, ['--retry', '3', '--retry-max-time', '0.001'], 1, 22],
  ])('status %i, %i times, with %j: %i requests, exit code %i', async (status, times, args, requests, code) => {
    const { handler, count } = failing(status, times)
    const url = await plainServer(handler)
    const { get, read } = await folder()
    const ran = await get('-f', '--retry-delay', '0.01', ...args, '-o', 'file', url)
    expect([count(), ran.code]).toEqual([requests, code])
    if (code === 0) expect(await read('file')).toBe(`answer ${requests}`)
    if (requests > 1) expect(ran.stderr).toContain(`the server answered with status ${status}: retry in 0.01 s, `)
  })

  it.each([
    [[], 1],
    [['--retry-connrefused'], 3],
  ])('a connection that is refused, with %j, is tried %i times', async (args, attempts) => {
    const { get } = await folder()
    const { code, stderr } = await get('--retry', '2', '--retry-delay', '0.01', ...args, 'http://127.0.0.1:1/')
    expect(code).toBe(7)
    expect(stderr.match(/retry in/g) ?? []).toHaveLength(attempts - 1)
  })
})

it('--fail-early stops at the first failure', async () => {
  const paths: string[] = []
  const url = await plainServer((request, response) => {
    paths.push(request.url!)
    response.statusCode = 404
    response.end()
  })
  const { get } = await folder()
  expect((await get('-f', '--fail-early', `${url}/1`, `${url}/2`)).code).toBe(22)
  expect(paths).toEqual(['/1'])
})

it('--parallel-max limits the transfers at the same time', async () => {
  const waiting: OriginResponse[] = []
  let most = 0
  const origin = await server({
    handler: (_request, response) => {
      waiting.push(response)
      most = Math.max(most, waiting.length)
      if (waiting.length === 2) for (const each of waiting.splice(0)) each.end()
    },
  })
  const { get } = await folder()
  expect((await get('-Z', '--parallel-max', '2', `${origin.url('a.test.example')}/[1-6]`)).code).toBe(0)
  expect(most).toBe(2)
})

it('--connect-timeout ends a handshake that gets no answer', async () => {
  const { createServer: createTcp } = await import('node:net')
  const silent = createTcp().listen(0, '127.0.0.1')
  world.defer(() => void silent.close())
  await once(silent, 'listening')
  const { get } = await folder()
  const url = `https://127.0.0.1:${(silent.address() as AddressInfo).port}/`
  expect((await get('--connect-timeout', '0.2', url)).code).toBe(28)
})

it('URLs, --url, -o and -T are paired in the order of the command line', async () => {
  const seen: string[] = []
  const url = await plainServer((request, response) => {
    request.setEncoding('utf8').on('data', (text: string) => seen.push(`${request.method} ${request.url} ${text}`))
    request.on('end', () => response.end(request.url))
  })
  const { get, read, write } = await folder()
  await write('a', 'content a')
  await write('b', 'content b')
  expect((await get(`${url}/1`, '-o', '1', '--url', `${url}/2`, '-o', '2', '-T', 'a', '-T', 'b')).code).toBe(0)
  expect(seen).toEqual(['PUT /1 content a', 'PUT /2 content b'])
  expect([await read('1'), await read('2')]).toEqual(['/1', '/2'])
})

it('-m of a part does not limit the parts after --next', async () => {
  const url = await plainServer(
    (request, response) => void setTimeout(() => response.end('late'), request.url === '/late' ? 300 : 0),
  )
  const { get } = await folder()
  expect(await get('-m', '0.2', `${url}/`, '--next', `${url}/late`)).toMatchObject({ code: 0, stdout: 'latelate' })
})

it('an error of one URL does not keep the others from being transferred', async () => {
  const url = await plainServer((_request, response) => response.end('content'))
  const { get } = await folder()
  const { code, stdout } = await get('-w', '%{json}\n', 'http://us%zz:p@127.0.0.1:1/', '127.0.0.1:1', url)
  expect(stdout).toContain('content{')
  expect(stdout.match(/"exitcode":7/g)).toHaveLength(2)
  expect(code).toBe(7)
})

it('no message has a password', async () => {
  const { get } = await folder()
  for (const args of [
    ['--connections', 'https://u:secret@127.0.0.1:1/'],
    ['https://u:secret@h/{a'],
    ['https://u:secret@[::1]:1/'],
  ]) {
    const { stderr } = await get(...args)
    expect(stderr).not.toContain('secret')
    expect(stderr).not.toBe('')
  }
})

it('the last response of a server that stays busy is written if no retry follows', async () => {
  const url = await plainServer((_request, response) => {
    response.writeHead(503, { 'retry-after': '60' })
    response.end('busy')
  })
  const { get, read } = await folder()
  expect((await get('--retry', '5', '--retry-max-time', '1', '-o', 'file', url)).code).toBe(0)
  expect(await read('file')).toBe('busy')
})

it('-T of a pipe has no length', async () => {
  const lengths: unknown[] = []
  const url = await plainServer((request, response) => {
    lengths.push(request.headers['content-length'])
    request.resume().on('end', () => response.end())
  })
  const { path } = await folder()
  const child = spawn('bash', ['-c', `"${process.execPath}" "${COMMAND}" get -T <(echo piped) ${url}/x`], { cwd: path })
  expect((await outcomeOf(child)).code).toBe(0)
  expect(lengths).toEqual([undefined])
})

it('-n goes on without credentials for a host that ~/.netrc does not have', async () => {
  const url = await plainServer((request, response) => response.end(request.headers.authorization ?? 'none'))
  const { get, write } = await folder()
  await write('.netrc', 'machine other.example login a password b\n')
  expect(await get('-n', url)).toMatchObject({ code: 0, stdout: 'none' })
})

it('a malformed response has the exit code 8', async () => {
  const { createServer: createTcp } = await import('node:net')
  const strange = createTcp((socket) => socket.once('data', () => socket.end('SSH-2.0-strange\r\n'))).listen(0, '127.0.0.1')
  world.defer(() => void strange.close())
  await once(strange, 'listening')
  const { get } = await folder()
  expect((await get(`http://127.0.0.1:${(strange.address() as AddressInfo).port}/`)).code).toBe(8)
})
