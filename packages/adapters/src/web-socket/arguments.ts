/** Arguments of the standard's interfaces, and their errors: exceptions of the WebSockets standard. */

/** Returns the URL of a WebSocket. @throws DOMException `SyntaxError`. */
export function checkUrl(input: string | URL): URL {
  let url: URL
  try {
    url = new URL(String(input))
  } catch {
    throw syntaxError('the URL of a WebSocket must be absolute and valid')
  }
  if (url.protocol === 'http:') url.protocol = 'ws:'
  else if (url.protocol === 'https:') url.protocol = 'wss:'
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:')
    throw syntaxError(`the URL of a WebSocket begins with wss: or ws:, not ${JSON.stringify(url.protocol.slice(0, 64))}`)
  // `url.hash` is empty for `#` alone as well.
  if (url.href.includes('#')) throw syntaxError('the URL of a WebSocket has no fragment: remove the part after #')
  return url
}

/** Returns a list of subprotocols. @throws DOMException `SyntaxError` unless they are different tokens (RFC 6455 §4.1). */
export function checkProtocols(input: string | readonly string[] | undefined): readonly string[] {
  const protocols = input === undefined || input === null ? [] : typeof input === 'string' ? [input] : Array.from(input, String)
  if (protocols.length !== new Set(protocols.map((name) => name.toLowerCase())).size)
    throw syntaxError('a subprotocol is given twice')
  for (const name of protocols)
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name))
      throw syntaxError(`${JSON.stringify(name.slice(0, 64))} is not a valid subprotocol`)
  return protocols
}

/** Maximum length of the reason in a Close frame, in bytes (RFC 6455 §5.5, §5.5.1). */
const MAX_REASON_BYTES = 123

/** Web IDL `[EnforceRange] unsigned short`. @throws TypeError if it is not a number in that range. */
export function enforced(code: number | null | undefined): number | undefined {
  if (code === undefined || code === null) return undefined
  const number = Math.trunc(Number(code))
  if (number >= 0 && number <= 0xffff) return number
  throw new TypeError(`a close code is a number, not ${typeof code === 'number' ? code : typeof code}`)
}

/** Returns the code of `close()`. @throws DOMException `InvalidAccessError` unless it is 1000 or 3000 to 4999. */
export function checkCloseCode(code: number | undefined): number | undefined {
  if (code === undefined || code === 1_000 || (code >= 3_000 && code <= 4_999)) return code
  throw new DOMException(`a close code is 1000 or 3000 to 4999, not ${code}`, 'InvalidAccessError')
}

/** Returns the reason of `close()` as UTF-8. @throws DOMException `SyntaxError` if it is over 123 bytes. */
export function checkReason(reason: string | undefined): Buffer {
  const bytes = Buffer.from(reason === undefined ? '' : String(reason))
  if (bytes.length > MAX_REASON_BYTES)
    throw syntaxError(`the reason of a close is at most ${MAX_REASON_BYTES} bytes, not ${bytes.length}`)
  return bytes
}

function syntaxError(message: string): DOMException {
  return new DOMException(message, 'SyntaxError')
}
