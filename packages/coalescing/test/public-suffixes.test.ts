import { PublicSuffixes } from '../src/public-suffixes.js'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function counting(failure?: Error) {
  const counts = { loads: 0 }
  const suffixes = new PublicSuffixes(() => {
    counts.loads++
    if (failure !== undefined) throw failure
    return { getPublicSuffix: () => 'com' }
  })
  return { counts, suffixes }
}

describe('PublicSuffixes', () => {
  it('the list that is published: its ICANN section', () => {
    const suffixes = new PublicSuffixes()
    expect(['example.com', 'example.co.uk', 'storage.googleapis.com', 'co.uk'].map((name) => suffixes.of(name))).toEqual([
      'com',
      'co.uk',
      'com',
      'co.uk',
    ])
  })

  it('is loaded by the first question, and once', () => {
    const { counts, suffixes } = counting()
    expect(counts.loads).toBe(0)
    expect([suffixes.of('example.com'), suffixes.of('example.com')]).toEqual(['com', 'com'])
    expect(counts.loads).toBe(1)
  })

  it('is loaded before the question where one is expected, but not before a handshake could begin', async () => {
    const { counts, suffixes } = counting()
    suffixes.expect()
    suffixes.expect()
    await turn()
    expect(counts.loads).toBe(0)
    await turn()
    expect(counts.loads).toBe(1)
    suffixes.expect()
    suffixes.of('example.com')
    await turn()
    await turn()
    expect(counts.loads).toBe(1)
  })

  it('that it cannot be loaded is told to who asks, and to nobody else', async () => {
    const missing = new Error('no tldts')
    const { counts, suffixes } = counting(missing)
    suffixes.expect()
    await turn()
    await turn()
    expect(counts.loads).toBe(1)
    expect(() => suffixes.of('example.com')).toThrow(missing)
  })
})
