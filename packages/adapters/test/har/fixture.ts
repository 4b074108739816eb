/** What the tests of recordings share: a file for each test, and the published JSON schema of HAR 1.2. */

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Client } from '@unshard/core'
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import type { HarEntry } from '../../src/har/format.js'
import { type HarRecorder, type RecordHarOptions, recordHar } from '../../src/har/index.js'

export interface HarDocument {
  readonly log: {
    readonly version: string
    readonly creator: { readonly name: string; readonly version: string }
    readonly pages: readonly unknown[]
    readonly entries: readonly HarEntry[]
    readonly comment?: string
  }
}

const require = createRequire(import.meta.url)
const ajv = new Ajv({ strict: false, allErrors: true })
;(addFormats as unknown as (ajv: Ajv) => void)(ajv)
ajv.addMetaSchema(require('ajv/dist/refs/json-schema-draft-06.json') as object)
ajv.addSchema(Object.values(require('har-schema') as Record<string, object>))
const validate = ajv.getSchema('har.json#')!

/** Parses a document, and expects that it is valid HAR 1.2 whose times are consistent. */
export function parseHar(text: string): HarDocument {
  const document = JSON.parse(text) as HarDocument
  validate(document)
  expect(validate.errors ?? []).toEqual([])
  for (const { time, timings } of document.log.entries) {
    const { ssl, ...parts } = timings
    const sum = Object.values(parts).reduce((total, ms) => total + Math.max(0, ms), 0)
    expect(Math.abs(time - sum)).toBeLessThan(0.001)
    expect(ssl === -1 || ssl <= timings.connect).toBe(true)
  }
  return document
}

export async function readHarFile(path: string): Promise<HarDocument> {
  return parseHar(await readFile(path, 'utf8'))
}

/** Call once, at the top level of a test file: a folder for each test. */
export function harFiles(): { readonly path: string; record(client: Client, options?: RecordHarOptions): TestRecorder } {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'unshard-har-'))
  })
  afterEach(() => rm(folder, { recursive: true }))
  return {
    get path() {
      return join(folder, 'recording.har')
    },
    record(client, options) {
      const path = join(folder, 'recording.har')
      const recorder = recordHar(client, path, options)
      const finish = async (): Promise<HarDocument> => {
        await recorder.stop()
        return readHarFile(path)
      }
      return { recorder, finish }
    },
  }
}

interface TestRecorder {
  readonly recorder: HarRecorder
  /** Stops the recorder. Returns the valid document. */
  finish(): Promise<HarDocument>
}

/** The value of a field. */
export function valueIn(pairs: readonly { readonly name: string; readonly value: string }[], name: string): string | undefined {
  return pairs.find((pair) => pair.name === name)?.value
}
