/** Values returned to the caller are copies: a change to one affects no other response. */

import type { ProtocolName } from '../../src/index.js'
import { clientFixture } from './fixture.js'

const { client: createClient, server } = clientFixture()

describe.each<ProtocolName>(['h2', 'http/1.1'])('over %s', (protocol) => {
  it('field lists of responses, interim responses and trailers are frozen copies', async () => {
    const { port } = await server({
      protocols: [protocol],
      handler(_request, response) {
        response.writeEarlyHints({ link: '</a.css>; rel=preload' })
        response.writeHead(200, { 'x-a': '1', trailer: 'x-t' })
        response.write('x')
        response.addTrailers({ 'x-t': '2' })
        response.end()
      },
    })
    const client = createClient()
    const rounds: unknown[] = []
    for (let round = 0; round < 3; round++) {
      const interim: (readonly string[])[] = []
      const response = await client.request({
        url: `https://a.test.example:${port}/`,
        onInformational: (status, fields) => {
          if (status === 103) interim.push(fields)
        },
      })
      expect(await response.text()).toBe('x')
      const lists = [response.headers.list, response.trailers!.list, ...interim]
      rounds.push([
        response.headers.get('x-a'),
        response.trailers!.get('x-t'),
        interim.map((fields) => fields[fields.indexOf('link') + 1]),
      ])
      for (const list of lists) {
        expect(Object.isFrozen(list)).toBe(true)
        expect(() => (list as string[]).push('x-forged', '1')).toThrow(TypeError)
      }
      expect(response.headers.list).toBe(response.headers.list)
    }
    expect(rounds).toEqual(new Array(3).fill(['1', '2', ['</a.css>; rel=preload']]))
  })

  it('descriptions of connections and origins may be changed, and are created again for each call', async () => {
    const { port } = await server({ protocols: [protocol] })
    const client = createClient()
    const url = `https://a.test.example:${port}/`
    const describeAll = async () => {
      const response = await client.request({ url })
      await response.text()
      const explained = await client.explain(url)
      // These two grow with every request.
      const connections = client.stats().connections.map(({ requests: _, openMs: __, ...rest }) => rest)
      return [response.connection, explained, explained.addresses, explained.candidates, connections]
    }
    const first = await describeAll()
    const before = JSON.stringify(first)
    for (const description of first as unknown as Record<string, unknown>[]) {
      if (Array.isArray(description)) description.length = 0
      else for (const name of Object.keys(description)) delete description[name]
    }
    expect(JSON.stringify(await describeAll())).toBe(before)
  })
})
