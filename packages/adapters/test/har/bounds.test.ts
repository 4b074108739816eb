/** The limits of a recording: its size, a disk that is full, a stream that fails, a process that is killed, and wrong options. */

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { PassThrough, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type UnshardError, UsageError } from '@unshard/core'
import { mockClient } from '@unshard/core/testing'
import { type RecordHarOptions, recordHar } from '../../src/har/index.js'
import { harFiles, parseHar, readHarFile } from './fixture.js'

const files = harFiles()
const URL_ = 'https://a.test.example/'
const program = fileURLToPath(new URL('writer.mjs', import.meta.url))

it('entries over the maximum size are omitted and counted, and the file stays complete', async () => {
  const { client } = mockClient(() => ({ body: 'x'.repeat(100) }))
  const { recorder, finish } = files.record(client, { maxBytes: 5_000, bodies: {} })
  for (let i = 0; i < 50; i++) await (await client.get(URL_)).text()
  const { log } = await finish()
  expect(log.entries.length).toBeGreaterThan(2)
  expect(recorder.entries + recorder.omitted).toBe(50)
  expect(log.entries).toHaveLength(recorder.entries)
  expect(log.comment).toBe(`maxBytes was reached: ${recorder.omitted} further entries were not recorded`)
  expect((await stat(files.path)).size).toBeLessThanOrEqual(5_000)
})

it('the file replaces another one, and only its owner may read it', async () => {
  const { client } = mockClient(() => ({}))
  for (let times = 3; times > 0; times--) {
    const { finish } = files.record(client)
    for (let i = 0; i < times; i++) await (await client.get(URL_)).text()
    expect((await finish()).log.entries).toHaveLength(times)
  }
  expect((await stat(files.path)).mode & 0o777).toBe(0o600)
})

it('writes to a stream, and ends it with the recording', async () => {
  const { client } = mockClient(() => ({}))
  const stream = new PassThrough()
  const written = text(stream)
  const recorder = recordHar(client, stream)
  await (await client.get(URL_)).text()
  await (await client.get(URL_)).text()
  await recorder.stop()
  expect(parseHar(await written).log.entries).toHaveLength(2)
})

/** A stream that fails at its third write. */
function fullStream(): Writable {
  let writes = 0
  return new Writable({
    write(_chunk, _encoding, done) {
      done(++writes < 3 ? null : Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }))
    },
  })
}

it('a target that fails is reported once by onError, and requests are not affected', async () => {
  const { client } = mockClient(() => ({ body: 'hello' }))
  const errors: UnshardError[] = []
  const recorder = recordHar(client, fullStream(), { onError: (error) => errors.push(error) })
  for (let i = 0; i < 10; i++) {
    expect(await (await client.get(URL_)).text()).toBe('hello')
    await new Promise(setImmediate)
  }
  await recorder.stop()
  expect(errors).toMatchObject([{ code: 'ERR_HAR_WRITE', cause: { code: 'ENOSPC' } }])
  expect(errors[0]).toBeInstanceOf(UsageError)
})

it('without onError, stop() rejects with the error of the target', async () => {
  const { client } = mockClient(() => ({}))
  const recorder = recordHar(client, fullStream())
  for (let i = 0; i < 10; i++) {
    await (await client.get(URL_)).text()
    await new Promise(setImmediate)
  }
  await expect(recorder.stop()).rejects.toMatchObject({ code: 'ERR_HAR_WRITE', cause: { code: 'ENOSPC' } })
})

it('a stream that is closed early is an error of the recording', async () => {
  const { client } = mockClient(() => ({}))
  const stream = new PassThrough()
  const recorder = recordHar(client, stream)
  stream.destroy()
  await (await client.get(URL_)).text()
  await expect(recorder.stop()).rejects.toMatchObject({ code: 'ERR_HAR_WRITE' })
})

it('a file that cannot be created is an error of the call', () => {
  const { client } = mockClient(() => ({}))
  expect(() => recordHar(client, '/no/such/folder/x.har')).toThrow(
    expect.objectContaining({ code: 'ERR_HAR_WRITE', cause: expect.objectContaining({ code: 'ENOENT' }) }),
  )
})

it('a disk that becomes full leaves a complete file with the entries before that', async () => {
  // The limit of the shell makes a write fail after its first part, as a full disk does.
  const shell = 'ulimit -f 16 && exec "$0" --no-warnings "$1" "$2" until-error'
  const { stdout } = await promisify(execFile)('bash', ['-c', shell, process.execPath, program, files.path])
  const { log } = await readHarFile(files.path)
  expect(log.entries.length).toBeGreaterThan(5)
  expect(stdout).toBe('ERR_HAR_WRITE EFBIG\nall requests answered\n')
})

it('a process that is killed leaves a complete file', async () => {
  const child = spawn(process.execPath, ['--no-warnings', program, files.path, 'forever'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect((await readHarFile(files.path)).log.entries.length).toBeGreaterThanOrEqual(100)
})

it.each<[RecordHarOptions | object, RegExp]>([
  [{ maxByte: 1 }, /unknown option "maxByte" of recordHar\(\): did you mean "maxBytes"\?/],
  [{ redact: { header: [] } }, /unknown option "redact.header"/],
  [{ redact: { fields: 'cookie' } }, /option redact.fields takes a list of names/],
  [{ redact: { query: [1] } }, /option redact.query takes a list of names/],
  [{ bodies: { max: 1 } }, /unknown option "bodies.max"/],
  [{ bodies: { maxBytes: -1 } }, /option bodies.maxBytes takes a whole number/],
  [{ bodies: true }, /option bodies takes an object/],
  [{ maxBytes: 10 }, /option maxBytes takes a whole number/],
  [{ onError: 'log' }, /option onError takes a function/],
])('refuses the options %j', (options, message) => {
  const { client } = mockClient(() => ({}))
  expect(() => recordHar(client, files.path, options as RecordHarOptions)).toThrow(message)
})

it('refuses a target that is neither a path nor a stream, and a client that is not a client', () => {
  const { client } = mockClient(() => ({}))
  expect(() => recordHar(client, 1 as never)).toThrow(/option target takes a path or a writable stream, not 1/)
  expect(() => recordHar({} as never, files.path)).toThrow(/option client takes a client, not/)
  expect(() => recordHar(undefined as never, files.path)).toThrow(/option client takes a client/)
})
