/**
 * A slow reader of a large response, in a separate process whose memory is measured. Uses `dist`:
 * build first.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { OriginHandler } from '@unshard/testkit'
import { testWorld } from '@unshard/testkit'
import { PROTOCOLS } from './kinds.js'

const here = dirname(fileURLToPath(import.meta.url))
/** Set to 1000 for the figure in the documentation; this takes a minute. */
const MEGABYTES = Number(process.env['UNSHARD_LARGE_MB'] ?? 100)
const LIMIT = 64 * 1024 * 1024

const environment = testWorld()

/** Sends `MEGABYTES` of content as fast as the client takes them. */
const large: OriginHandler = (_request, response) => {
  const chunk = Buffer.alloc(1_000_000, 'x')
  let left = MEGABYTES
  const fill = (): void => {
    while (left > 0) {
      left--
      if (!response.write(chunk)) return void response.once('drain', fill)
    }
    response.end()
  }
  response.writeHead(200)
  fill()
}

describe.each(PROTOCOLS)('over %s', (protocol) => {
  it.each(['pull', 'duplex', 'pipeline'])(
    'a slow reader with %s uses less than 64 MB above the baseline',
    async (way) => {
      const { port } = await environment.server({ handler: large })
      const script = join(here, 'slow-reader.mjs')
      const args = ['--expose-gc', script, way, protocol, `https://127.0.0.1:${port}/`]
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      let printed = ''
      child.stdout.on('data', (chunk) => {
        printed += chunk
      })
      await once(child, 'close')
      const { bytes, used, resident } = JSON.parse(printed) as { bytes: number; used: number; resident: number }
      const figures = `${Math.round(used / 1e6)} MB used, ${Math.round(resident / 1e6)} MB resident above base`
      if (MEGABYTES !== 100) process.stderr.write(`${way} ${protocol}: ${bytes} bytes, ${figures}\n`)
      expect(bytes).toBe(MEGABYTES * 1_000_000)
      expect(used).toBeLessThan(LIMIT)
      // Node's parser copies content read over HTTP/1.1: V8 accumulates 32 MB of copies before it
      // collects them, and the allocator keeps twice that. It does not grow with the content.
      expect(resident).toBeLessThan(protocol === 'h2' ? LIMIT : LIMIT * 1.5)
    },
    MEGABYTES * 1_000 + 20_000,
  )
})
