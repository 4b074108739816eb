/** Builds PKCS #12 files (RFC 7292) from a certificate and its key: unencrypted, with a MAC. */

import { createHash, createHmac, createPrivateKey, randomBytes, X509Certificate } from 'node:crypto'
import type { Credentials } from '@unshard/testkit'

const DATA = [1, 2, 840, 113_549, 1, 7, 1]
const KEY_BAG = [1, 2, 840, 113_549, 1, 12, 10, 1, 1]
const CERTIFICATE_BAG = [1, 2, 840, 113_549, 1, 12, 10, 1, 3]
const X509_CERTIFICATE = [1, 2, 840, 113_549, 1, 9, 22, 1]
const SHA_256 = [2, 16, 840, 1, 101, 3, 4, 2, 1]
const ITERATIONS = 10

export function toPfx({ cert, key }: Credentials, passphrase: string): Buffer {
  const bags = sequence(
    sequence(oid(KEY_BAG), explicit(createPrivateKey(key).export({ type: 'pkcs8', format: 'der' }))),
    sequence(oid(CERTIFICATE_BAG), explicit(sequence(oid(X509_CERTIFICATE), explicit(bytes(new X509Certificate(cert).raw))))),
  )
  const safe = sequence(sequence(oid(DATA), explicit(bytes(bags))))
  const salt = randomBytes(8)
  const mac = createHmac('sha256', macKey(passphrase, salt)).update(safe).digest()
  return sequence(
    integer(3),
    sequence(oid(DATA), explicit(bytes(safe))),
    sequence(sequence(sequence(oid(SHA_256), der(0x05, Buffer.alloc(0))), bytes(mac)), bytes(salt), integer(ITERATIONS)),
  )
}

/** RFC 7292 B.2, for the length of a SHA-256 digest. */
function macKey(passphrase: string, salt: Buffer): Buffer {
  const password = Buffer.from(`${passphrase}\0`, 'utf16le').swap16()
  const filled = (part: Buffer): Buffer => Buffer.alloc(Math.ceil(part.length / 64) * 64, part)
  let key = Buffer.concat([Buffer.alloc(64, 3), filled(salt), filled(password)])
  for (let i = 0; i < ITERATIONS; i++) key = createHash('sha256').update(key).digest()
  return key
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

const sequence = (...parts: Buffer[]): Buffer => der(0x30, Buffer.concat(parts))
const explicit = (content: Buffer): Buffer => der(0xa0, content)
const bytes = (content: Buffer): Buffer => der(0x04, content)
const integer = (value: number): Buffer => der(0x02, Buffer.from([value]))

function oid([first, second, ...rest]: readonly number[]): Buffer {
  const digits = rest.flatMap((arc) => {
    const base128 = [arc & 0x7f]
    for (let left = arc >> 7; left > 0; left >>= 7) base128.unshift((left & 0x7f) | 0x80)
    return base128
  })
  return der(0x06, Buffer.from([first! * 40 + second!, ...digits]))
}
