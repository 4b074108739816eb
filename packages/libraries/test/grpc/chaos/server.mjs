/** A server of gRPC that resets streams, says goodbye and drops connections, as the plan of each call says. */

import http2 from 'node:http2'
import { messageOf, planOf, wrongIn } from './plan.mjs'

/** Attempts of a connection that are kept until the settled ones are forgotten. */
const MOST_ATTEMPTS = 1_000

/** Starts the server. `records` has what happened to each call. */
export async function startServer(seed, tls) {
  const records = new Map()
  const ends = []
  const server = http2.createSecureServer({ ...tls, settings: { maxConcurrentStreams: 1_000 } })
  const sockets = new Map()
  let connections = 0
  server.on('connection', (socket) => {
    const { remotePort } = socket
    sockets.set(remotePort, socket)
    socket.once('close', () => sockets.delete(remotePort))
  })
  server.on('session', (session) => {
    connections++
    session.on('error', () => undefined)
    // Streams that are open, and attempts whose response may still be on its way.
    Object.assign(session, { open: new Set(), attempts: new Set(), port: session.socket.remotePort })
  })
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined)
    // Requests that were read already when the connection was dropped.
    if (stream.session === undefined || stream.session.isDropped) return
    new Attempt(stream, headers, { seed, records, ends, sockets })
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: server.address().port,
    records,
    ends,
    get connections() {
      return connections
    },
    stop: () => server.close(),
  }
}

function recordOf(records, number) {
  if (!records.has(number))
    records.set(number, {
      attempts: 0,
      executed: 0,
      fired: [],
      received: [],
      wasDropped: false,
      wasRefused: false,
      isAnswered: false,
    })
  return records.get(number)
}

/** One stream. */
class Attempt {
  constructor(stream, headers, { seed, records, ends, sockets }) {
    const number = Number(headers['x-number'])
    this.plan = planOf(seed, number)
    this.stream = stream
    this.ends = ends
    this.sockets = sockets
    this.record = recordOf(records, number)
    this.record.attempts++
    // The event happens once: what is sent again shall succeed.
    this.isFirst = this.record.attempts === 1
    this.received = []
    // Streams above the last one of GOAWAY are not processed.
    if (stream.session.lastProcessed !== undefined && stream.id > stream.session.lastProcessed) {
      this.record.wasRefused = true
      return
    }
    this.record.executed++
    const { session } = stream
    session.open.add(stream.id)
    session.attempts.add(this)
    if (session.attempts.size > MOST_ATTEMPTS)
      for (const attempt of session.attempts) if (attempt.record.isSettled) session.attempts.delete(attempt)
    stream.once('close', () => session.open.delete(stream.id))
    const { event, at } = this.plan
    if (this.isFirst && at === -1 && event !== 'none' && event !== 'cancel' && event !== 'deadline') this.fire()
    else this.read()
  }

  /** Makes the event of the plan happen. */
  fire() {
    const { event, code, isLast } = this.plan
    const { stream, record } = this
    record.fired.push(event)
    if (event === 'reset') {
      // REFUSED_STREAM says that the server has not processed the request.
      if (code === 0x7) record.executed--
      stream.close(code)
    } else if (event === 'status') this.end(code, 'as planned')
    else if (event === 'drop') this.drop()
    else if (event === 'goaway') {
      this.sayGoodbye(isLast || stream.headersSent)
      if (stream.session.lastProcessed >= stream.id) this.read()
    }
  }

  drop() {
    const { session } = this.stream
    this.ends.push({ port: session.port, client: this.plan.client, isDrop: true })
    for (const { record } of session.attempts) if (!record.isSettled) record.wasDropped = true
    session.isDropped = true
    // The socket itself: a session would end its streams first.
    this.sockets.get(session.port)?.destroy()
  }

  /** GOAWAY: later streams are refused, and this one too unless it is the last. */
  sayGoodbye(includes) {
    const { session, id } = this.stream
    if (session.lastProcessed !== undefined) return
    const others = [...session.open].filter((other) => other !== id)
    // Node.js takes 0 for the last stream that it has received.
    session.lastProcessed = Math.max(includes ? id : 0, ...others) || id
    if (session.lastProcessed < id) {
      this.record.executed--
      this.record.wasRefused = true
    }
    this.ends.push({ port: session.port, client: this.plan.client, isDrop: false })
    session.goaway(0, session.lastProcessed)
    // Ends once the streams that were there have ended.
    const look = setInterval(() => {
      if ([...session.open].some((each) => each <= session.lastProcessed)) return
      clearInterval(look)
      session.close()
    }, 20)
  }

  /** Reads the messages of the request; answers at its end, and each at once if both are streams. */
  read() {
    const { stream, plan } = this
    let rest = Buffer.alloc(0)
    stream.on('data', (part) => {
      rest = Buffer.concat([rest, part])
      while (rest.length >= 5 && rest.length >= 5 + rest.readUInt32BE(1)) {
        const end = 5 + rest.readUInt32BE(1)
        this.received.push(Buffer.from(rest.subarray(5, end)))
        rest = rest.subarray(end)
      }
    })
    stream.on('end', () => this.answer())
    // A cancel or a deadline before the response: the server does not answer.
    if (plan.kind === 'bidi') this.begin()
  }

  begin() {
    if (this.stream.headersSent || this.stream.destroyed) return
    this.stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  }

  answer() {
    const { stream, plan, record } = this
    const wrong = wrongIn(this.received, plan.number, plan.requests)
    if (wrong !== undefined) record.wrong = `request: ${wrong}`
    record.received = this.received.length
    if (stream.destroyed) return
    const { event, at } = plan
    // The caller ends the call before the server does.
    const stops = event === 'cancel' || event === 'deadline'
    if (stops && at === -1) return
    this.begin()
    for (const [i, size] of plan.responses.entries()) {
      if (stops && at === i) return
      if (this.isFirst && event !== 'none' && at === i && !record.fired.includes(event)) {
        this.fire()
        if (event !== 'goaway') return
      }
      this.write(messageOf(plan.number, i, size))
    }
    if (stops) return
    if (this.isFirst && event !== 'none' && at >= plan.responses.length && !record.fired.includes(event)) {
      this.fire()
      if (event !== 'goaway') return
    }
    this.end(0, '')
  }

  write(message) {
    const prefix = Buffer.alloc(5)
    prefix.writeUInt32BE(message.length, 1)
    this.stream.write(Buffer.concat([prefix, message]))
  }

  end(code, details) {
    const { stream, record } = this
    const fields = { 'grpc-status': String(code), 'grpc-message': details }
    record.isAnswered = true
    if (!stream.headersSent) {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...fields }, { endStream: true })
      return
    }
    stream.once('wantTrailers', () => stream.sendTrailers(fields))
    stream.end()
  }
}
