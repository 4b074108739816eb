import { PublicSuffixes } from '../src/public-suffixes.js'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function counting() {
  const names: string[] = []
  const suffixes = new PublicSuffixes((name) => {
    names.push(name)
    return 'com'
  })
  return { names, suffixes }
}

describe('PublicSuffixes', () => {
  it('uses the ICANN section of the published list', () => {
    const suffixes = new PublicSuffixes()
    expect(['example.com', 'example.co.uk', 'storage.googleapis.com', 'co.uk'].map((name) => suffixes.of(name))).toEqual([
      'com',
      'co.uk',
      'com',
      'co.uk',
    ])
  })

  it('is built by the first query', () => {
    const { names, suffixes } = counting()
    expect(names).toEqual([])
    expect(suffixes.of('example.com')).toBe('com')
    expect(names).toEqual(['example.com'])
  })

  it('is built once before an expected query, but not before a handshake could begin', async () => {
    const { names, suffixes } = counting()
    suffixes.expect()
    suffixes.expect()
    await turn()
    expect(names).toHaveLength(0)
    await turn()
    expect(names).toHaveLength(1)
    suffixes.expect()
    await turn()
    await turn()
    expect(names).toHaveLength(1)
  })
})
