/** Entries in the performance timeline, as Node's own fetch adds them. */

import { PerformanceObserver } from 'node:perf_hooks'
import { install, uninstall } from '../../src/fetch/install.js'
import { fetchFixtures, PROTOCOLS } from './fixtures.js'

type Entry = (typeof PerformanceResourceTiming)['prototype']

const fixture = fetchFixtures()

/** Resolves with the next entry whose name ends so. */
function nextEntry(ending: string): Promise<Entry> {
  return new Promise((resolve) => {
    const observer = new PerformanceObserver((list) => {
      const entry = list.getEntries().find(({ name }) => name.endsWith(ending))
      if (entry === undefined) return
      observer.disconnect()
      resolve(entry as Entry)
    })
    observer.observe({ type: 'resource' })
  })
}

describe.each(PROTOCOLS)('over %s', (protocol) => {
  it('resourceTiming adds an entry with times in order once the content was read', async () => {
    const { fetch, url } = await fixture(protocol, { handler: (_request, response) => void response.end('content') })
    const before = performance.now()
    const entry = nextEntry('/timed')
    await (await fetch.with({ resourceTiming: true })(url('/timed'))).text()
    const { startTime, domainLookupStart, connectStart, secureConnectionStart, connectEnd, ...rest } = await entry
    const { requestStart, responseStart, responseEnd, nextHopProtocol, encodedBodySize, initiatorType } = (await entry).toJSON()
    const times = [
      before,
      startTime,
      domainLookupStart,
      connectStart,
      secureConnectionStart,
      connectEnd,
      requestStart,
      responseStart,
    ]
    expect(rest).toBeDefined()
    for (const [i, time] of [...times, responseEnd].entries())
      if (i > 0) expect(time).toBeGreaterThanOrEqual(times[i - 1]! - 0.01)
    expect({ nextHopProtocol, encodedBodySize, initiatorType }).toEqual({
      nextHopProtocol: protocol,
      encodedBodySize: 7,
      initiatorType: 'fetch',
    })
  })

  it('the entry of a redirected fetch has the first URL, and the time of the redirect', async () => {
    const { fetch, url } = await fixture(protocol, {
      handler: (request, response) => {
        if (request.url === '/to') return void response.end('content')
        response.writeHead(302, { location: '/to' }).end()
      },
    })
    const entry = nextEntry('/from')
    await (await fetch.with({ resourceTiming: true })(url('/from'))).text()
    const { redirectStart, redirectEnd, startTime, fetchStart, responseEnd } = await entry
    expect(redirectStart).toBe(startTime)
    expect(redirectEnd).toBeGreaterThan(startTime)
    expect(fetchStart).toBeGreaterThanOrEqual(redirectEnd)
    expect(responseEnd).toBeGreaterThanOrEqual(fetchStart)
  })

  it('a redirect that is returned has an entry, and a response that is cut off has none', async () => {
    const { fetch, url } = await fixture(protocol, {
      handler: (request, response) => {
        if (request.url === '/manual') return void response.writeHead(302, { location: '/to' }).end()
        response.write('part')
        setImmediate(() => request.socket.destroy())
      },
    })
    const timed = fetch.with({ resourceTiming: true })
    const names: string[] = []
    const observer = new PerformanceObserver((list) => names.push(...list.getEntries().map(({ name }) => new URL(name).pathname)))
    observer.observe({ type: 'resource' })
    await expect(timed(url('/cut')).then((response) => response.text())).rejects.toThrow(TypeError)
    const entry = nextEntry('/manual')
    await (await timed(url('/manual'), { redirect: 'manual' })).text()
    await entry
    observer.disconnect()
    expect(names).not.toContain('/cut')
  })

  it('without the option there is no entry; install() turns it on, unless it was turned off', async () => {
    const { fetch, url } = await fixture(protocol)
    const names: string[] = []
    const observer = new PerformanceObserver((list) => names.push(...list.getEntries().map(({ name }) => new URL(name).pathname)))
    observer.observe({ type: 'resource' })
    await (await fetch(url('/status/200?plain'))).text()
    try {
      install(fetch.with({ resourceTiming: false }))
      await (await globalThis.fetch(url('/status/201?off'))).text()
      install(fetch)
      const entry = nextEntry('?on')
      await (await globalThis.fetch(url('/status/202?on'))).text()
      await entry
    } finally {
      uninstall()
      observer.disconnect()
    }
    expect(names.filter((name) => name !== '/status/202')).toEqual([])
  })
})
