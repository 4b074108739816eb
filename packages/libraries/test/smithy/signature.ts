/**
 * Checks AWS Signature Version 4 of received requests, computed here from what arrived: method, path, query, authority, fields and content.
 * Knows nothing of the SDK.
 */

import { createHash, createHmac } from 'node:crypto'
import { authorityOf, type OriginRequest } from '@unshard/testkit'
import { decodeChunks } from './aws-chunks.js'

/** The one account of these tests. */
export const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }

/** A request whose signature is right. */
export interface Verified {
  /** The content without the framing of `aws-chunked`. */
  readonly content: Buffer
  readonly signature: string
  /** Date, region and service. */
  readonly scope: string
  readonly signedAt: string
}

/** The parts of a signature. */
interface Claim {
  readonly scope: string
  readonly signedHeaders: readonly string[]
  readonly signature: string
  readonly date: string
  readonly payloadHash: string
  readonly query: readonly string[]
}

/** @throws Error that says what is wrong. @param body the content as received; `undefined` for events, which have signatures of their own. */
export function verify(request: OriginRequest, body: Buffer | undefined, service: string): Verified {
  const [rawPath = '', rawQuery = ''] = splitOnce(request.url ?? '', '?')
  const query = rawQuery === '' ? [] : rawQuery.split('&')
  const claim = claimOf(request, query)
  const headers = headersOf(request)
  for (const name of headers.keys())
    if (name.startsWith('x-amz-') && name !== 'x-amz-user-agent' && !claim.signedHeaders.includes(name))
      throw new Error(`${name} is not signed`)
  if (!claim.signedHeaders.includes('host')) throw new Error('the authority is not signed')
  const lines = claim.signedHeaders.map((name) => {
    const value = headers.get(name)
    if (value === undefined) throw new Error(`the signed field ${name} is missing`)
    return `${name}:${value.trim().replaceAll(/ +/g, ' ')}\n`
  })
  const path = service === 's3' ? rawPath : rawPath.split('/').map(encodeURIComponent).join('/')
  const canonical = [
    ...[request.method, path, canonicalQuery(claim.query), lines.join('')],
    ...[claim.signedHeaders.join(';'), claim.payloadHash],
  ].join('\n')
  const text = ['AWS4-HMAC-SHA256', claim.date, claim.scope, sha256(canonical)].join('\n')
  const expected = hmac(signingKey(claim.scope), text).toString('hex')
  if (expected !== claim.signature) throw new Error(`the signature does not match:\n${canonical}`)
  if (claim.scope.split('/')[2] !== service) throw new Error(`signed for ${claim.scope}, not for ${service}`)
  const content = contentOf(headers, body, claim.payloadHash)
  return { content, signature: claim.signature, scope: claim.scope, signedAt: claim.date }
}

/** The key of a scope. */
export function signingKey(scope: string): Buffer {
  const [date = '', region = '', service = '', last = ''] = scope.split('/')
  let key = hmac(`AWS4${CREDENTIALS.secretAccessKey}`, date)
  for (const part of [region, service, last]) key = hmac(key, part)
  return key
}

export function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

function claimOf({ headers }: OriginRequest, query: readonly string[]): Claim {
  const value = (name: string): string => {
    const pair = query.find((each) => each.startsWith(`${name}=`))
    return pair === undefined ? '' : decodeURIComponent(pair.slice(name.length + 1))
  }
  if (value('X-Amz-Signature') !== '') {
    const scope = value('X-Amz-Credential').slice(CREDENTIALS.accessKeyId.length + 1)
    return {
      ...{ scope, signature: value('X-Amz-Signature'), date: value('X-Amz-Date') },
      signedHeaders: value('X-Amz-SignedHeaders').split(';'),
      payloadHash: value('X-Amz-Content-Sha256') || 'UNSIGNED-PAYLOAD',
      query: query.filter((each) => !each.startsWith('X-Amz-Signature=')),
    }
  }
  const parts = new Map(
    (headers.authorization ?? '')
      .replace('AWS4-HMAC-SHA256 ', '')
      .split(', ')
      .map((each) => splitOnce(each, '=')),
  )
  const credential = parts.get('Credential') ?? ''
  if (!credential.startsWith(`${CREDENTIALS.accessKeyId}/`)) throw new Error(`no credentials in ${headers.authorization}`)
  return {
    scope: credential.slice(CREDENTIALS.accessKeyId.length + 1),
    signedHeaders: (parts.get('SignedHeaders') ?? '').split(';'),
    signature: parts.get('Signature') ?? '',
    date: String(headers['x-amz-date']),
    payloadHash: String(headers['x-amz-content-sha256'] ?? ''),
    query,
  }
}

function headersOf(request: OriginRequest): Map<string, string> {
  const headers = new Map(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
  headers.set('host', authorityOf(request))
  return headers
}

function canonicalQuery(query: readonly string[]): string {
  const pairs = query.map((each) => splitOnce(each, '='))
  const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
  pairs.sort(([a, one], [b, other]) => order(a, b) || order(one, other))
  return pairs.map(([name, value]) => `${name}=${value}`).join('&')
}

function contentOf(headers: ReadonlyMap<string, string>, body: Buffer | undefined, payloadHash: string): Buffer {
  if (body === undefined) return Buffer.alloc(0)
  if (payloadHash === 'UNSIGNED-PAYLOAD') return body
  if (payloadHash === 'STREAMING-UNSIGNED-PAYLOAD-TRAILER') return decodeChunks(headers, body)
  if (payloadHash !== sha256(body)) throw new Error(`the hash of ${body.length} bytes is not ${payloadHash}`)
  return body
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)]
}
