/** The payloads of ORIGIN (RFC 8336 §2.1) and ALTSVC (RFC 7838 §4). Only their layout: what they are worth is decided elsewhere. */

/** The serialised origins of an ORIGIN payload; one that runs past the end is dropped with what follows. */
export function parseOrigins(bytes: Buffer, start: number, end: number): string[] {
  const origins: string[] = []
  let at = start
  while (at + 2 <= end) {
    const next = at + 2 + bytes.readUInt16BE(at)
    if (next > end) break
    origins.push(bytes.toString('latin1', at + 2, next))
    at = next
  }
  return origins
}

/** Origin and field value of an ALTSVC payload; `undefined` when it is too short for what it says. */
export function parseAltSvc(bytes: Buffer, start: number, end: number): { origin: string; value: string } | undefined {
  if (end - start < 2) return undefined
  const split = start + 2 + bytes.readUInt16BE(start)
  if (split > end) return undefined
  return { origin: bytes.toString('latin1', start + 2, split), value: bytes.toString('latin1', split, end) }
}
