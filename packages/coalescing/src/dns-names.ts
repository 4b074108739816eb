/**
 * The DNS names in the subjectAltName of a certificate, read from its DER encoding (X.690, RFC 5280
 * §4.2.1.6). `subjectAltName` as text is ambiguous in some runtimes, whose `checkHost` also accepts
 * the common name although it should not.
 */

const SEQUENCE = 0x30
const OBJECT_IDENTIFIER = 0x06
const OCTET_STRING = 0x04
/** Tag of the extensions in a TBSCertificate: `[3]`, explicit. */
const EXTENSIONS = 0xa3
/** Tag of a dNSName in a GeneralName: `[2]`, implicit. */
const DNS_NAME = 0x82
/** 2.5.29.17 */
const SUBJECT_ALT_NAME = Buffer.from([0x55, 0x1d, 0x11])

interface Element {
  readonly tag: number
  readonly content: Uint8Array
}

/** Returns the names as they are written, by their lower-case form; none for an encoding that is not valid. */
export function dnsNamesOf(der: Uint8Array): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  for (const { tag, content } of generalNames(der)) {
    if (tag !== DNS_NAME) continue
    const name = Buffer.from(content).toString('latin1')
    names.set(name.toLowerCase(), name)
  }
  return names
}

function generalNames(der: Uint8Array): readonly Element[] {
  const certificate = elements(der)[0]
  const tbs = certificate?.tag === SEQUENCE ? elements(certificate.content)[0] : undefined
  if (tbs?.tag !== SEQUENCE) return []
  const wrapper = elements(tbs.content).find(({ tag }) => tag === EXTENSIONS)
  const list = wrapper === undefined ? undefined : elements(wrapper.content)[0]
  if (list?.tag !== SEQUENCE) return []
  for (const extension of elements(list.content)) {
    // The identifier, perhaps whether it is critical, and the value.
    const parts = elements(extension.content)
    const [identifier] = parts
    if (identifier?.tag !== OBJECT_IDENTIFIER || !SUBJECT_ALT_NAME.equals(identifier.content)) continue
    const value = parts.at(-1)!
    const sequence = value.tag === OCTET_STRING ? elements(value.content)[0] : undefined
    return sequence?.tag === SEQUENCE ? elements(sequence.content) : []
  }
  return []
}

/** Splits an encoding into its elements; none if one of them is not complete. */
function elements(bytes: Uint8Array): readonly Element[] {
  const found: Element[] = []
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at]!
    let length = bytes[at + 1] ?? Number.NaN
    let start = at + 2
    if (length > 0x7f) {
      const size = length - 0x80
      length = 0
      for (const end = start + size; start < end; start++) length = length * 256 + (bytes[start] ?? Number.NaN)
    }
    const end = start + length
    if (!(end <= bytes.length)) return []
    found.push({ tag, content: bytes.subarray(start, end) })
    at = end
  }
  return found
}
