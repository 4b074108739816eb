/**
 * The part of S3 that these tests use, in memory, with the signature of every request checked. Not one from npm: s3rver has had no release
 * since 2021, checks no signature over HTTP/2, and the others that are kept run in containers.
 */

import type { OriginHandler, OriginRequest, OriginResponse } from '@unshard/testkit'
import { checksum } from './aws-chunks.js'
import { type Verified, verify } from './signature.js'

/** A function that may answer a request before it is served: it then returns true. */
export type Intervene = (request: OriginRequest, response: OriginResponse) => boolean

export interface S3Server {
  readonly handler: OriginHandler
  /** Content by bucket and key, such as `bucket/key`. */
  readonly objects: Map<string, Buffer>
  /** Reasons of refused requests. */
  readonly refused: string[]
  intervene: Intervene | undefined
}

/** @param host authority of the service without the port: buckets are names below it, or the first segment of the path. */
export function createS3(host = 's3.test.example'): S3Server {
  const objects = new Map<string, Buffer>()
  const uploads = new Map<string, Map<number, Buffer>>()
  const refused: string[] = []
  const server: S3Server = {
    ...{ objects, refused, intervene: undefined },
    handler(request, response) {
      if (server.intervene?.(request, response) === true) return
      collect(request).then(
        (body) => {
          try {
            const { content } = verify(request, body, 's3')
            serve({ request, response, content, objects, uploads, ...targetOf(request, host) })
          } catch (error) {
            refused.push((error as Error).message)
            answer(response, 403, errorXml('SignatureDoesNotMatch', (error as Error).message))
          }
        },
        () => response.destroy(),
      )
    },
  }
  return server
}

/** The whole content of a request. */
export async function collect(request: OriginRequest): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

export function errorXml(code: string, message: string): string {
  const text = message.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${text}</Message></Error>`
}

interface Target {
  readonly bucket: string
  readonly key: string
  readonly query: URLSearchParams
}

function targetOf(request: OriginRequest, host: string): Target {
  const authority = String(request.headers[':authority'] ?? request.headers.host).replace(/:\d+$/, '')
  const [rawPath = '', rawQuery = ''] = (request.url ?? '').split('?')
  const path = decodeURIComponent(rawPath.slice(1))
  const query = new URLSearchParams(rawQuery)
  if (authority !== host) return { bucket: authority.slice(0, -host.length - 1), key: path, query }
  const slash = path.indexOf('/')
  return { bucket: path.slice(0, slash), key: path.slice(slash + 1), query }
}

interface Exchange extends Target, Pick<Verified, 'content'> {
  readonly request: OriginRequest
  readonly response: OriginResponse
  readonly objects: Map<string, Buffer>
  readonly uploads: Map<string, Map<number, Buffer>>
}

function serve(exchange: Exchange): void {
  const { request, response, content, objects, bucket, key, query } = exchange
  const name = `${bucket}/${key}`
  if (query.has('uploads') || query.has('uploadId')) return serveUpload(exchange, name)
  if (request.method === 'PUT') {
    objects.set(name, content)
    return answer(response, 200, '', { etag: `"${content.length}"` })
  }
  if (request.method === 'DELETE') {
    objects.delete(name)
    return answer(response, 204, '')
  }
  const object = objects.get(name)
  if (object === undefined) return answer(response, 404, request.method === 'HEAD' ? '' : errorXml('NoSuchKey', 'no such key'))
  sendObject(request, response, object)
}

function sendObject(request: OriginRequest, response: OriginResponse, object: Buffer): void {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
  const part = from === undefined ? object : object.subarray(Number(from), Number(to) + 1)
  const headers: Record<string, string | number> = { 'content-length': part.length, etag: `"${object.length}"` }
  if (from === undefined) headers['x-amz-checksum-crc32'] = checksum('x-amz-checksum-crc32', object)
  else headers['content-range'] = `bytes ${from}-${to}/${object.length}`
  response.writeHead(from === undefined ? 200 : 206, headers)
  response.end(request.method === 'HEAD' ? undefined : part)
}

function serveUpload({ request, response, content, objects, uploads, query }: Exchange, name: string): void {
  const id = query.get('uploadId')
  if (id === null) {
    const created = `upload-${uploads.size}`
    uploads.set(created, new Map())
    const xml = `<InitiateMultipartUploadResult><UploadId>${created}</UploadId></InitiateMultipartUploadResult>`
    return answer(response, 200, xml)
  }
  const parts = uploads.get(id)
  if (parts === undefined) return answer(response, 404, errorXml('NoSuchUpload', id))
  if (request.method === 'DELETE') {
    uploads.delete(id)
    return answer(response, 204, '')
  }
  if (request.method === 'PUT') {
    parts.set(Number(query.get('partNumber')), content)
    return answer(response, 200, '', { etag: `"part-${query.get('partNumber')}"` })
  }
  const sorted = [...parts].sort(([a], [b]) => a - b)
  objects.set(name, Buffer.concat(sorted.map(([, part]) => part)))
  uploads.delete(id)
  answer(response, 200, '<CompleteMultipartUploadResult><ETag>"whole"</ETag></CompleteMultipartUploadResult>')
}

/** Answers with XML. */
export function answer(response: OriginResponse, status: number, xml: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { ...(xml === '' ? {} : { 'content-type': 'application/xml' }), ...headers }).end(xml)
}
