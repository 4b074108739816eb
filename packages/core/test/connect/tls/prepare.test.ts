/** The creation of the TLS context, which happens during the DNS lookup. */

import type { LookupFunction } from 'node:net'
import tls from 'node:tls'
import { clientFixture } from '../../client/fixture.js'

const { client: createClient } = clientFixture()
const original = tls.createSecureContext
afterEach(() => {
  tls.createSecureContext = original
})

/** A lookup that answers when the test calls `answer`. */
function slowLookup() {
  const waiting: (() => void)[] = []
  let onLookup = (): void => undefined
  const looked = new Promise<void>((resolve) => {
    onLookup = resolve
  })
  const lookup: LookupFunction = (_host, _options, callback) => {
    waiting.push(() => callback(new Error('no such host'), []))
    onLookup()
  }
  return { lookup, looked, answer: () => waiting.splice(0).forEach((each) => void each()) }
}

describe('the TLS context is created during the DNS lookup', () => {
  const countContexts = (): { contexts: number } => {
    const counts = { contexts: 0 }
    tls.createSecureContext = (options) => {
      counts.contexts++
      return original(options)
    }
    return counts
  }

  it('once for all hosts of a client', async () => {
    const counts = countContexts()
    const { lookup, looked, answer } = slowLookup()
    const client = createClient({ lookup })
    const requests = ['https://a.test.example/', 'https://b.test.example/'].map((url) => client.request({ url }))
    await looked
    await new Promise((resolve) => setImmediate(resolve))
    expect(counts.contexts).toBe(1)
    answer()
    await Promise.allSettled(requests)
    expect(counts.contexts).toBe(1)
  })

  it('but not for cleartext', async () => {
    const counts = countContexts()
    const { lookup, looked, answer } = slowLookup()
    const requests = createClient({ lookup }).request({ url: 'http://a.test.example/' })
    await looked
    await new Promise((resolve) => setImmediate(resolve))
    expect(counts.contexts).toBe(0)
    answer()
    await Promise.allSettled([requests])
  })

  it('and options that OpenSSL rejects are reported after the lookup, as usual', async () => {
    const client = createClient({ tls: { ca: 'no certificate' } })
    await expect(client.request({ url: 'https://nobody.test.example/' })).rejects.toMatchObject({ code: 'ENOTFOUND' })
  })
})
