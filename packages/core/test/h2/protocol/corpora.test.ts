/** http2jp/http2-frame-test-case: 34 frames, good and bad. They lie outside the repository. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { errorCodeName } from '../../../src/h2/protocol/error-code.js'
import { FrameReader } from '../../../src/h2/protocol/frame-reader.js'
import { Peer } from './peer.js'

const corpora = process.env['UNSHARD_CORPORA'] ?? fileURLToPath(new URL('../../../../../../shared/corpora', import.meta.url))
const root = join(corpora, 'frames')

interface Case {
  readonly error: readonly number[] | null
  readonly wire: string
  readonly description: string
  readonly frame: { length: number; type: number; flags: number; stream_identifier: number; frame_payload: Payload } | null
}
type Payload = Readonly<Record<string, unknown>>

const files = existsSync(root)
  ? readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.json'))
      .sort()
  : []
const cases = files.map((file): [string, Case] => [file, JSON.parse(readFileSync(join(root, file), 'utf8')) as Case])

if (cases.length === 0) it.todo(`the frames of ${root}: the folder is not there`)
else {
  it('there are 34', () => expect(cases).toHaveLength(34))

  it.each(cases.filter(([, { error }]) => error === null))(
    '%s is read to what it says, and written again byte by byte',
    (_file, one) => {
      const wire = Buffer.from(one.wire, 'hex')
      const { length, type, flags, stream_identifier: streamId, frame_payload: payload } = one.frame!
      const pieces: Buffer[] = []
      const header: number[] = []
      const reader = new FrameReader({
        frameHeader: (...seen) => header.push(...seen) > 0,
        frame: (_type, _flags, _streamId, bytes, start, end) => pieces.push(bytes.subarray(start, end)),
        dataPart: (_streamId, bytes, start, end) => pieces.push(bytes.subarray(start, end)),
        dataEnd: () => undefined,
      })
      reader.read(wire)
      expect(header).toEqual([type, flags, streamId, length])
      expect(reader.atBoundary).toBe(true)
      if (type === 0) expect(Buffer.concat(pieces).toString('latin1')).toBe(payload['data'])
      else expect(Buffer.concat(pieces)).toEqual(wire.subarray(9))
    },
  )

  it.each(cases.filter(([, { error }]) => error !== null))('%s is an error of an allowed code', (_file, one) => {
    const peer = new Peer()
    for (let i = 0; i < 20; i++) peer.get()
    peer.sent()
    const fault = peer.receive(Buffer.from(one.wire, 'hex'))
    const reset = peer.recorder.ends[0]?.errorCode
    const got = fault ?? (reset === undefined ? 'nothing' : errorCodeName(reset))
    expect(one.error!.map(errorCodeName)).toContain(got)
  })
}
