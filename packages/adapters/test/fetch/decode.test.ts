import * as zlib from 'node:zlib'
import { ACCEPT_ENCODING, hasZstd } from '../../src/fetch/decode.js'

describe('Zstandard', () => {
  it('is accepted only if this Node can decode it', () => {
    const can = 'createZstdDecompress' in zlib && 'zstdDecompressSync' in zlib
    expect(hasZstd(process.versions.node)).toBe(can)
    expect(ACCEPT_ENCODING).toBe(can ? 'gzip, deflate, br, zstd' : 'gzip, deflate, br')
  })

  it.each([
    ['20.19.0', false],
    ['20.20.2', false],
    ['22.14.0', false],
    ['22.15.0', true],
    ['22.21.1', true],
    ['23.7.0', false],
    ['23.8.0', true],
    ['24.0.0', true],
    ['100.0.0', true],
  ])('was added in Node 22.15 and 23.8: %s', (version, has) => {
    expect(hasZstd(version)).toBe(has)
  })
})
