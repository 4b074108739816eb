// A scripted peer as the server of node:http2, frame by frame.
import { once } from 'node:events'
import http2 from 'node:http2'
import net from 'node:net'
import { createAuthority, ErrorCode, frames, type ScriptedPeer, settingsOf, startScriptedPeer } from '@unshard/testkit'
import { openSession, requestH2 } from './client.js'

let peer: ScriptedPeer
afterEach(() => peer.close())

test('a whole exchange over TLS: settings, request with body, response with trailers', async () => {
  const authority = await createAuthority()
  const tls = await authority.issue({ names: [], ips: ['127.0.0.1'] })
  const seen: unknown[] = []
  peer = await startScriptedPeer(
    async (connection, index) => {
      await connection.handshake({ maxConcurrentStreams: 1, headerTableSize: 8192 })
      const request = await connection.nextRequest()
      seen.push(index, request.method, request.path, request.authority, request.endStream)
      seen.push((await connection.next('DATA')).payload.toString())
      connection.send(
        frames.headers(request.streamId, [
          [':status', '200'],
          ['x-large', 'v'.repeat(300)],
        ]),
        frames.data(request.streamId, 'answer', { padding: 10 }),
        frames.headers(request.streamId, [['x-trailer', 'yes']], { endStream: true }),
      )
    },
    { tls },
  )
  const session = await openSession(`https://127.0.0.1:${peer.port}`, { ca: authority.ca })
  const answer = await requestH2(session, { ':method': 'POST', ':path': '/a?b', 'x-long': 'z'.repeat(20_000) }, 'body')
  expect(answer).toMatchObject({ status: 200, trailers: { 'x-trailer': 'yes' } })
  expect(answer.headers['x-large']).toHaveLength(300)
  expect(answer.body.toString()).toBe('answer')
  expect(seen).toEqual([0, 'POST', '/a?b', `127.0.0.1:${peer.port}`, false, 'body'])
  expect(peer.peers[0]!.received.map(({ typeName }) => typeName)).toContain('CONTINUATION')
  expect(session.remoteSettings.maxConcurrentStreams).toBe(1)
  session.destroy()
  await peer.peers[0]!.closed
  expect(peer.failures).toEqual([])
})

test('requests are decoded in order even if the script skips some of them', async () => {
  const fields: unknown[] = []
  peer = await startScriptedPeer(async (connection) => {
    await connection.handshake()
    await connection.next('HEADERS') // Not decoded by the script, yet part of the HPACK state.
    const { streamId } = await connection.nextRequest()
    const again = await connection.nextRequest()
    fields.push(streamId, again.streamId, again.fields.find(([name]) => name === 'x-same')?.[1])
    for (const id of [1, 3, 5]) connection.respond(id, 200, [['x-id', String(id)]], 'x'.repeat(20_000))
  })
  const session = await openSession(`http://127.0.0.1:${peer.port}`)
  const answers = await Promise.all([1, 2, 3].map(() => requestH2(session, { ':path': '/', 'x-same': 'same value' })))
  expect(answers.map(({ headers, body }) => [headers['x-id'], body.length])).toEqual([
    ['1', 20_000],
    ['3', 20_000],
    ['5', 20_000],
  ])
  expect(fields).toEqual([3, 5, 'same value'])
  session.destroy()
})

test('trailers of a request are fields of a frame, not a request', async () => {
  let seen: unknown
  peer = await startScriptedPeer(async (connection) => {
    await connection.handshake()
    const { streamId } = await connection.nextRequest()
    seen = await connection.fieldsOf(await connection.next('HEADERS'))
    connection.respond(streamId, 204)
  })
  const session = await openSession(`http://127.0.0.1:${peer.port}`)
  const stream = session.request({ ':method': 'POST', ':path': '/' }, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '1' }))
  stream.end('body')
  await once(stream, 'response')
  expect(seen).toEqual([['x-sum', '1']])
  session.destroy()
})

test('a stream error, then GOAWAY and FIN', async () => {
  peer = await startScriptedPeer(async (connection) => {
    await connection.handshake()
    expect(settingsOf(connection.received[0]!)).toBeDefined()
    const { streamId } = await connection.nextRequest()
    connection.send(frames.rstStream(streamId, ErrorCode.REFUSED_STREAM), frames.goaway(0, ErrorCode.NO_ERROR, 'bye'))
    connection.end()
  })
  const session = http2.connect(`http://127.0.0.1:${peer.port}`)
  const goaway = once(session, 'goaway')
  const answer = await requestH2(session, { ':path': '/' })
  expect(answer.error?.message).toContain('NGHTTP2_REFUSED_STREAM')
  expect(await goaway).toEqual([ErrorCode.NO_ERROR, 0, Buffer.from('bye')])
  await peer.peers[0]!.closed
})

test('a script whose client disconnects is not a failure, one that throws is', async () => {
  peer = await startScriptedPeer(async (connection, index) => {
    if (index === 0) await connection.next('PING')
    else throw new Error('the test is wrong')
  })
  const lost = net.connect(peer.port, '127.0.0.1')
  await once(lost, 'connect')
  lost.destroy()
  await once(net.connect(peer.port, '127.0.0.1'), 'connect')
  while (peer.peers.length < 2) await new Promise(setImmediate)
  await peer.peers[0]!.closed
  expect(peer.failures.map((failure) => (failure as Error).message)).toEqual(['the test is wrong'])
  expect(peer.connections).toBe(2)
})

test('a client that does not send the preface is detected', async () => {
  peer = await startScriptedPeer(async (connection) => {
    await connection.preface()
  })
  const client = net.connect(peer.port, '127.0.0.1')
  client.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  while (peer.failures.length < 1) await new Promise(setImmediate)
  expect(String(peer.failures[0])).toContain('not a client preface: "GET / HTTP')
  client.destroy()
})
