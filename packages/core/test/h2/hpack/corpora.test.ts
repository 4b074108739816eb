/**
 * Third-party blocks outside the repository: http2jp/hpack-test-case by six encoders, and malformed
 * blocks.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hasEdgeSpace, isFieldValue, isLowerCaseFieldName } from '../../../src/field-syntax.js'
import { HpackDecoder } from '../../../src/h2/hpack/decoder.js'
import { bytes, encodeBlock, newEncoder } from './blocks.js'

const corpora = process.env['UNSHARD_CORPORA'] ?? fileURLToPath(new URL('../../../../../../shared/corpora', import.meta.url))
const hpack = join(corpora, 'hpack')

interface Case {
  readonly wire?: string
  readonly header_table_size?: number | null
  readonly headers: readonly Record<string, string>[]
}

interface NegativeVector {
  readonly id: string
  readonly wire: string
  readonly expect: 'ok' | 'error' | 'malformed' | 'error-or-ok'
  readonly why: string
  readonly rfc: string
  readonly settings_header_table_size: number
}

function readCases(...path: readonly string[]): readonly Case[] {
  return (JSON.parse(readFileSync(join(hpack, ...path), 'utf8')) as { cases: Case[] }).cases
}

/** Fields of the corpus as a list of names and values. */
function flat(headers: Case['headers']): string[] {
  return headers.flatMap((header) => Object.entries(header).flat())
}

function stories(encoder: string): string[] {
  return readdirSync(join(hpack, encoder)).filter((file) => file.endsWith('.json'))
}

function wireBytes(encoder: string, story: string): number {
  return readCases(encoder, story).reduce((sum, { wire }) => sum + wire!.length / 2, 0)
}

if (existsSync(hpack)) describeCorpora()
else {
  console.log(`no corpora at ${corpora}: third-party HPACK vectors are not tested (set UNSHARD_CORPORA)`)
  it('third-party vectors are skipped because their folder is missing', () => expect(existsSync(hpack)).toBe(false))
}

function describeCorpora(): void {
  describe('the decoder reads the stories of http2jp/hpack-test-case', () => {
    const encoders = readdirSync(hpack, { withFileTypes: true }).filter(
      (entry) => entry.isDirectory() && entry.name !== 'raw-data',
    )
    describe.each(encoders.map((entry) => entry.name))('%s', (encoder) => {
      it.each(stories(encoder))('%s', (story) => {
        const decoder = new HpackDecoder()
        for (const { wire, headers, header_table_size } of readCases(encoder, story)) {
          if (typeof header_table_size === 'number') decoder.setMaxTableBytes(header_table_size)
          expect(decoder.decode(bytes(wire!)).fields).toEqual(flat(headers))
        }
      })
    })
  })

  describe('the encoder on raw-data', () => {
    it('writes blocks that decode to the same fields, with at most 5 % more bytes than nghttp2', () => {
      let encodedBytes = 0
      let nghttp2 = 0
      for (const story of stories('raw-data')) {
        const encoder = newEncoder()
        const decoder = new HpackDecoder()
        for (const { headers } of readCases('raw-data', story)) {
          const block = encodeBlock(encoder, flat(headers))
          encodedBytes += block.length
          expect(decoder.decode(block).fields).toEqual(flat(headers))
        }
        if (existsSync(join(hpack, 'nghttp2', story))) nghttp2 += wireBytes('nghttp2', story)
      }
      console.log(`raw-data: ${encodedBytes} bytes, nghttp2 ${nghttp2}: ${((encodedBytes / nghttp2) * 100).toFixed(2)} %`)
      expect(encodedBytes).toBeLessThanOrEqual(nghttp2 * 1.05)
    })
  })

  describe('malformed blocks', () => {
    const vectors = JSON.parse(readFileSync(join(corpora, 'vectors', 'hpack-negative.json'), 'utf8')) as NegativeVector[]

    it.each(vectors.map((vector) => [vector.id, vector.why, vector.expect, vector] as const))(
      '%s: %s → %s',
      (_id, _why, outcome, vector) => {
        const decoder = new HpackDecoder()
        decoder.setMaxTableBytes(vector.settings_header_table_size)
        const decode = () => decoder.decode(bytes(vector.wire))
        // 'error-or-ok' is a block with more than two size updates, which the decoder refuses.
        if (outcome === 'error' || outcome === 'error-or-ok') expect(decode).toThrow('HPACK: ')
        else {
          const [name = '', value = ''] = decode().fields
          const wellFormed = isLowerCaseFieldName(name.replace(/^:/, '')) && isFieldValue(value) && !hasEdgeSpace(value)
          expect(wellFormed).toBe(outcome === 'ok')
        }
      },
    )
  })
}
