import type { LookupFunction } from 'node:net'
import tls from 'node:tls'
import { clientFixture } from '../../client/fixture.js'

const { client } = clientFixture()
const original = tls.createSecureContext
afterEach(() => {
  tls.createSecureContext = original
})

/** Responds when the test allows it. */
function slowLookup() {
  const waiting: (() => void)[] = []
  let asked = (): void => undefined
  const question = new Promise<void>((resolve) => {
    asked = resolve
  })
  const lookup: LookupFunction = (_host, _options, callback) => {
    waiting.push(() => callback(new Error('no such host'), []))
    asked()
  }
  return { lookup, question, answer: () => waiting.splice(0).forEach((each) => void each()) }
}

describe('TLS is prepared during the DNS lookup', () => {
  const counting = (): { contexts: number } => {
    const counts = { contexts: 0 }
    tls.createSecureContext = (options) => {
      counts.contexts++
      return original(options)
    }
    return counts
  }

  it('once for all hosts of a client', async () => {
    const counts = counting()
    const { lookup, question, answer } = slowLookup()
    const one = client({ lookup })
    const asked = ['https://a.test.example/', 'https://b.test.example/'].map((url) => one.request({ url }))
    await question
    await new Promise((resolve) => setImmediate(resolve))
    expect(counts.contexts).toBe(1)
    answer()
    await Promise.allSettled(asked)
    expect(counts.contexts).toBe(1)
  })

  it('not for cleartext', async () => {
    const counts = counting()
    const { lookup, question, answer } = slowLookup()
    const asked = client({ lookup }).request({ url: 'http://a.test.example/' })
    await question
    await new Promise((resolve) => setImmediate(resolve))
    expect(counts.contexts).toBe(0)
    answer()
    await Promise.allSettled([asked])
  })

  it('options that OpenSSL rejects are reported after the lookup, as usual', async () => {
    const one = client({ tls: { ca: 'no certificate' } })
    await expect(one.request({ url: 'https://nobody.test.example/' })).rejects.toMatchObject({ code: 'ENOTFOUND' })
  })
})
