/** `unshard get`: transfers that end early, pipes, terminals and disks. */

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { OriginResponse } from '@unshard/testkit'
import { COMMAND, getFixture, outcomeOf } from './fixture.js'

const { server, folder } = getFixture()
const CONTENT = 'abcdefghij'.repeat(1_000)

/** Sends half of the content, and the rest if the request asks for it. */
function resumable(sent: () => void): (request: { headers: Record<string, unknown> }, response: OriginResponse) => void {
  return ({ headers }, response) => {
    const first = Number(/bytes=(\d+)-/.exec(String(headers['range'] ?? ''))?.[1] ?? -1)
    if (first >= 0) {
      response.writeHead(206, { 'content-range': `bytes ${first}-${CONTENT.length - 1}/${CONTENT.length}` })
      return void response.end(CONTENT.slice(first))
    }
    response.writeHead(200, { 'content-length': CONTENT.length })
    response.write(CONTENT.slice(0, 5_000), () => sent())
  }
}

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s keeps the part that has arrived, exits with %i, and -C - downloads the rest', async (signal, exitCode) => {
  const origin = await server({ handler: resumable(() => undefined) as never })
  const { start, get, read, path } = await folder()
  const url = `${origin.url('a.test.example')}/file`
  const { child, ended } = start(['-o', 'file', url])
  await fileOf(`${path}/file`)
  child.kill(signal)
  const { code, stderr } = await ended
  expect(code).toBe(exitCode)
  expect(stderr).toBe(`unshard: (${exitCode}) interrupted; -C - continues a download\n`)
  expect(await read('file')).toBe(CONTENT.slice(0, 5_000))
  expect((await get('-C', '-', '-o', 'file', url)).code).toBe(0)
  expect(await read('file')).toBe(CONTENT)
})

it('-m ends a response that sends a byte now and then, with exit code 28', async () => {
  const timers = new Set<NodeJS.Timeout>()
  const handler = (_request: unknown, response: OriginResponse): void => {
    const timer = setInterval(() => response.write('.'), 50)
    timers.add(timer)
    response.on('close', () => clearInterval(timer))
  }
  const origin = await server({ handler })
  const { get, read } = await folder()
  const { code, stderr } = await get('-m', '0.5', '-o', 'file', `${origin.url('a.test.example')}/`)
  for (const timer of timers) clearInterval(timer)
  expect(code).toBe(28)
  expect(stderr).toContain('total timeout after 500 ms')
  expect(await read('file')).toMatch(/^\.+$/)
})

it('a response that breaks off keeps its part, and has the exit code 18', async () => {
  const origin = await server({
    protocols: ['http/1.1'],
    handler: (_request, response) => {
      response.writeHead(200, { 'content-length': 10 })
      response.write('half', () => response.destroy())
    },
  })
  const { get, read } = await folder()
  expect((await get('-o', 'file', `${origin.url('a.test.example')}/`)).code).toBe(18)
  expect(await read('file')).toBe('half')
})

it('a reader that has enough, such as head, ends the transfer without a message', async () => {
  const chunk = Buffer.alloc(65_536, 'x')
  const origin = await server({
    handler: (_request, response) => {
      const more = (): void => {
        while (response.write(chunk));
        response.once('drain', more)
      }
      more()
    },
  })
  const { path } = await folder()
  const command = `"${process.execPath}" "${COMMAND}" get --cacert ca.pem --connect-to ::127.0.0.1: ${origin.url('a.test.example')}/ | head -c 5; echo " $\{PIPESTATUS[0]}"`
  const child = spawn('bash', ['-c', command], { cwd: path })
  expect(await outcomeOf(child)).toEqual({ code: 0, stdout: 'xxxxx 23\n', stderr: '' })
})

it('a disk that is full is reported with the path, and exit code 23', async () => {
  const origin = await server({ handler: (_request, response) => response.end(CONTENT) })
  const { get } = await folder()
  const { code, stderr } = await get('-o', '/dev/full', `${origin.url('a.test.example')}/`)
  expect(code).toBe(23)
  expect(stderr).toMatch(/^unshard: \(23\) cannot write "\/dev\/full": ENOSPC: no space left on device/)
})

it('a disk that is full in the last part is reported too', async () => {
  const origin = await server({
    handler: (_request, response) => {
      response.writeHead(200)
      response.flushHeaders()
      setImmediate(() => response.end(CONTENT))
    },
  })
  const { get } = await folder()
  expect((await get('-o', '/dev/full', `${origin.url('a.test.example')}/`)).code).toBe(23)
})

it.each([
  ['a page of an error', 404, {}, 33],
  ['another range', 206, { 'content-range': 'bytes 0-9/10' }, 33],
  ['a range without its place', 206, {}, 33],
  ['the end of a file that is complete', 416, { 'content-range': 'bytes */4' }, 0],
])('-C appends nothing of %s', async (_title, status, headers, exitCode) => {
  const handler = (_request: unknown, response: OriginResponse): void => {
    response.writeHead(status, headers)
    response.end('not the rest')
  }
  const origin = await server({ handler })
  const { get, read, write } = await folder()
  await write('part', 'abcd')
  expect((await get('-C', '-', '-o', 'part', `${origin.url('a.test.example')}/`)).code).toBe(exitCode)
  expect(await read('part')).toBe('abcd')
})

it('-OJ does not replace a file that exists', async () => {
  const handler = (_request: unknown, response: OriginResponse): void => {
    response.setHeader('content-disposition', 'attachment; filename=.bashrc')
    response.end('evil')
  }
  const origin = await server({ handler })
  const { get, read, write } = await folder()
  await write('.bashrc', 'mine')
  const { code, stderr } = await get('-OJ', `${origin.url('a.test.example')}/x`)
  expect(code).toBe(23)
  expect(stderr).toContain('EEXIST')
  expect(await read('.bashrc')).toBe('mine')
})

it.each([
  ['--limit-rate', '100'],
  ['--connections', '-Z'],
])('-m also ends a transfer that waits: %s', async (...options) => {
  const origin = await server({ handler: (_request, response) => response.end(CONTENT) })
  const { get } = await folder()
  const { code } = await get('-m', '0.5', ...options, '-o', 'file', `${origin.url('a.test.example')}/`)
  expect(code).toBe(options[0] === '--limit-rate' ? 28 : 0)
})

it('a URL that is refused is shown without its password', async () => {
  const { get } = await folder()
  const { code, stderr } = await get('http://user:secret@bad host/')
  expect(code).toBe(3)
  expect(stderr).toBe('unshard: (3) "http://bad host/" is not a valid URL\n')
})

it('-s prints no errors, and -sS does', async () => {
  const { get } = await folder()
  expect(await get('-s', 'http://127.0.0.1:1/')).toEqual({ code: 7, stdout: '', stderr: '' })
  expect((await get('-sS', 'http://127.0.0.1:1/')).stderr).toContain('unshard: (7) cannot connect to port 1')
})

it.each([
  ['attachment; filename="../../evil"', 'evil'],
  ['attachment; filename="..\\..\\evil"', 'evil'],
  ['attachment; filename=".."', 'named'],
  ['attachment; filename=plain; x=y', 'plain'],
  ['inline', 'named'],
])('-OJ takes the name of %s as a name in the folder: %s', async (value, name) => {
  const handler = (_request: unknown, response: OriginResponse): void => {
    response.setHeader('content-disposition', value)
    response.end('content')
  }
  const origin = await server({ handler })
  const { get, read, path } = await folder()
  expect((await get('-OJ', `${origin.url('a.test.example')}/named`)).code).toBe(0)
  expect(await read(name)).toBe('content')
  expect(existsSync(`${path}/../evil`)).toBe(false)
})

it('-O does not leave the folder if the URL has encoded slashes', async () => {
  const origin = await server({ handler: (_request, response) => response.end('content') })
  const { get, read } = await folder()
  expect((await get('-g', '-O', `${origin.url('a.test.example')}/..%2f..%2fevil`)).code).toBe(0)
  expect(await read('evil')).toBe('content')
})

describe('on a terminal', () => {
  const inTerminal = async (line: string, env: Record<string, string> = {}): Promise<string> => {
    const { path } = await folder()
    const command = `"${process.execPath}" "${COMMAND}" get --cacert ca.pem --connect-to ::127.0.0.1: ${line}; echo "exit $?"`
    const child = spawn('script', ['-qec', command, '/dev/null'], { cwd: path, env: { ...process.env, ...env } })
    return (await outcomeOf(child)).stdout
  }

  it('a bar shows the progress of each file, and a total', async () => {
    const origin = await server({
      handler: (_request, response) => {
        response.setHeader('content-length', CONTENT.length)
        response.end(CONTENT)
      },
    })
    const url = origin.url('a.test.example')
    const output = await inTerminal(`-o one ${url}/1 -o two ${url}/2`)
    expect(output).toMatch(/one +█{24} 100% 10\.0 kB of 10\.0 kB/)
    expect(output).toMatch(/two +█{24} 100% 10\.0 kB of 10\.0 kB/)
    expect(output).toMatch(/total +█{24} 100% 20\.0 kB of 20\.0 kB/)
    expect(output).toContain('exit 0')
  })

  it.each([
    ['--trace', '/nowhere/f'],
    ['--har', '/nowhere/f'],
    ['-Z', '--parallel-max', '0'],
  ])('the command ends if %s %s is not possible', async (...options) => {
    const output = await inTerminal(`${options.join(' ')} -o one http://127.0.0.1:1/ -o two http://127.0.0.1:1/`)
    expect(output).toMatch(/exit (?:2|23)/)
  })

  it.each(['-s', '--no-progress-meter', '-v'])('%s shows no bar', async (option) => {
    const origin = await server({ handler: (_request, response) => response.end(CONTENT) })
    expect(await inTerminal(`${option} -o one ${origin.url('a.test.example')}/1`)).not.toContain('10.0 kB')
  })

  it('binary content is refused without -o', async () => {
    const origin = await server({ handler: (_request, response) => response.end('a\0b') })
    const url = `${origin.url('a.test.example')}/`
    expect(await inTerminal(url)).toContain('unshard: (23) the content is binary')
    expect(await inTerminal(`-o - ${url}`)).toContain('a\0b')
  })

  it.each([
    [{}, true],
    [{ NO_COLOR: '1' }, false],
  ])('-v with the environment %j uses colors: %s', async (env, colored) => {
    const origin = await server()
    const output = await inTerminal(`-v -o /dev/null ${origin.url('a.test.example')}/`, { NO_COLOR: '', ...env })
    expect(output.includes('\u001b[36m')).toBe(colored)
  })
})

/** Resolves once a file has content. */
async function fileOf(path: string): Promise<void> {
  const { watch, statSync } = await import('node:fs')
  const { dirname } = await import('node:path')
  await new Promise<void>((resolve) => {
    const look = (): void => {
      if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) < 5_000) return
      watcher.close()
      resolve()
    }
    const watcher = watch(dirname(path), look)
    look()
  })
}
