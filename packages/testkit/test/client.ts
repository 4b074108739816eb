// Clients of these tests: plain node:http2 and node:https, with every response read to its end.

import type { IncomingHttpHeaders } from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'

export interface Answer {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly trailers: Record<string, string | string[] | undefined>
  readonly informational: number[]
  readonly body: Buffer
  /** Error that ended the body, if any. */
  readonly error?: { code?: string; message: string } | undefined
}

export async function openSession(
  url: string,
  options: http2.SecureClientSessionOptions = {},
): Promise<http2.ClientHttp2Session> {
  const session = http2.connect(url, options)
  await new Promise((resolve, reject) => {
    session.once('connect', resolve).once('error', reject)
  })
  return session
}

export function requestH2(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  body?: Buffer | string,
): Promise<Answer> {
  return new Promise((resolve) => {
    const stream = session.request(headers)
    const chunks: Buffer[] = []
    const informational: number[] = []
    let received: http2.IncomingHttpHeaders = {}
    let trailers: http2.IncomingHttpHeaders = {}
    let error: Answer['error']
    stream.on('headers', (fields) => informational.push(Number(fields[':status'])))
    stream.on('response', (fields) => {
      received = fields
    })
    stream.on('trailers', (fields) => {
      trailers = fields
    })
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', (reason) => {
      error = reason
    })
    stream.on('close', () => {
      const { ':status': status, ...headers } = received
      resolve({ status: Number(status), headers, trailers, informational, body: Buffer.concat(chunks), error })
    })
    stream.end(body)
  })
}

export function requestH1(url: string, options: https.RequestOptions = {}, body?: Buffer | string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const informational: number[] = []
    const request = https.request(url, { agent: false, ...options }, (response) => {
      const chunks: Buffer[] = []
      let error: Answer['error']
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', (reason) => {
        error = reason
      })
      response.on('close', () => {
        const headers: IncomingHttpHeaders = response.headers
        resolve({
          status: response.statusCode ?? 0,
          headers,
          trailers: response.trailers,
          informational,
          body: Buffer.concat(chunks),
          error,
        })
      })
    })
    request.on('information', ({ statusCode }) => informational.push(statusCode))
    request.on('error', reject)
    request.end(body)
  })
}
