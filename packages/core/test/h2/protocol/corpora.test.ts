/** http2jp/http2-frame-test-case: 34 valid and invalid frames, outside the repository. */

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

if (cases.length === 0) it.todo(`the frames of ${root}: skipped because the folder is missing`)
else {
  it('the corpus has 34 frames', () => expect(cases).toHaveLength(34))

  it.each(cases.filter(([, { error }]) => error === null))(
    'the frame %s is read with the header and payload of its description',
    (_file, testCase) => {
      const wire = Buffer.from(testCase.wire, 'hex')
      const { length, type, flags, stream_identifier: streamId, frame_payload: payload } = testCase.frame!
      const pieces: Buffer[] = []
      const header: number[] = []
      const reader = new FrameReader({
        frameHeader: (...values) => header.push(...values) > 0,
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

  it.each(cases.filter(([, { error }]) => error !== null))(
    'the frame %s causes an error with an allowed code',
    (_file, testCase) => {
      const peer = new Peer()
      for (let i = 0; i < 20; i++) peer.get()
      peer.sent()
      const fault = peer.receive(Buffer.from(testCase.wire, 'hex'))
      const reset = peer.recorder.ends[0]?.errorCode
      const result = fault ?? (reset === undefined ? 'nothing' : errorCodeName(reset))
      expect(testCase.error!.map(errorCodeName)).toContain(result)
    },
  )
}
