import type { LookupFunction } from 'node:net'
import tls from 'node:tls'
import { rig } from '../../client/rig.js'

const { client } = rig()
const original = tls.createSecureContext
afterEach(() => {
  tls.createSecureContext = original
})

/** Answers when it is told to. */
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

describe('what a handshake takes is made ready while the name is being resolved', () => {
  const counting = (): { contexts: number } => {
    const counts = { contexts: 0 }
    tls.createSecureContext = (options) => {
      counts.contexts++
      return original(options)
    }
    return counts
  }

  it('once for all of a client’s hosts', async () => {
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

  it('options that OpenSSL refuses are told of when the name is known, as ever', async () => {
    const one = client({ tls: { ca: 'no certificate' } })
    await expect(one.request({ url: 'https://nobody.test.example/' })).rejects.toMatchObject({ code: 'ENOTFOUND' })
  })
})
