/**
 * The events of a run: a hash of every network and outcome event, and their text on demand. Equal
 * seeds have equal hashes, whatever the machine.
 */

/** Number of bytes at each end of a segment that are hashed. */
const SAMPLE_BYTES = 24

export class Trace {
  #high = 0xdeadbeef
  #low = 0x41c6ce57
  events = 0
  readonly lines: string[] | undefined
  readonly #now: () => number

  /** @param verbose whether to keep the text of the events. */
  constructor(now: () => number, verbose: boolean) {
    this.#now = now
    this.lines = verbose ? [] : undefined
  }

  /** Sixteen hexadecimal digits. */
  get hash(): string {
    return (this.#high >>> 0).toString(16).padStart(8, '0') + (this.#low >>> 0).toString(16).padStart(8, '0')
  }

  /** Records an event with its text. */
  note(text: string): void {
    this.#begin()
    for (let at = 0; at < text.length; at++) this.#mix(text.charCodeAt(at))
    this.lines?.push(`${this.#time()} ${text}`)
  }

  /** Records bytes that arrived. */
  segment(flow: number, toServer: boolean, bytes: Uint8Array): void {
    this.#begin()
    this.#mix(flow * 2 + (toServer ? 1 : 0))
    const { length } = bytes
    this.#mix(length)
    const sample = Math.min(length, SAMPLE_BYTES)
    for (let at = 0; at < sample; at++) this.#mix(bytes[at]!)
    for (let at = length - sample; at < length; at++) this.#mix(bytes[at]!)
    this.lines?.push(`${this.#time()} flow ${flow} ${toServer ? '→' : '←'} ${length} bytes ${shown(bytes)}`)
  }

  #begin(): void {
    this.events++
    this.#mix(Math.round(this.#now() * 1_000) | 0)
  }

  /** The mixing steps of cyrb53. */
  #mix(value: number): void {
    this.#high = Math.imul(this.#high ^ value, 2_654_435_761)
    this.#low = Math.imul(this.#low ^ value ^ (this.#high >>> 15), 1_597_334_677)
  }

  #time(): string {
    return `${(this.#now() / 1_000).toFixed(3).padStart(10)} s`
  }
}

const FRAMES = [
  'DATA',
  'HEADERS',
  'PRIORITY',
  'RST_STREAM',
  'SETTINGS',
  'PUSH_PROMISE',
  'PING',
  'GOAWAY',
  'WINDOW_UPDATE',
  'CONTINUATION',
]

/** Types of TLS records (RFC 8446 §5.1), from 20 on. */
const RECORDS = ['change_cipher_spec', 'alert', 'handshake', 'application_data']

/** First byte of a modelled handshake message, before four bytes of length. */
const HELLO = 22
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
/** Names and characters that are shown of one segment, at most. */
const MOST_NAMES = 12
const MOST_CHARACTERS = 60

/** Names the handshake, the TLS record or the HTTP/2 frames with which a segment begins, else its first characters. */
export function shown(bytes: Uint8Array): string {
  if (bytes[1] === 3 && RECORDS[bytes[0]! - 20] !== undefined) return `TLS ${RECORDS[bytes[0]! - 20]}`
  if (bytes[0] === HELLO) return `hello ${charactersOf(bytes.subarray(5))}`
  if (PREFACE.equals(bytes.subarray(0, PREFACE.length))) return ['preface', ...frameNames(bytes, PREFACE.length)].join(' ')
  const names = bytes[0] === 0 ? frameNames(bytes, 0) : []
  return names.length > 0 ? names.join(' ') : JSON.stringify(charactersOf(bytes))
}

function charactersOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, MOST_CHARACTERS)).toString('latin1')
}

/** Types and streams of the frames from `start` on. */
function frameNames(bytes: Uint8Array, start: number): string[] {
  const names: string[] = []
  let at = start
  while (at + 9 <= bytes.length && names.length < MOST_NAMES) {
    const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!
    const type = bytes[at + 3]!
    const stream = ((bytes[at + 5]! & 0x7f) << 24) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 8) | bytes[at + 8]!
    if (length > 16_384) break
    names.push(`${FRAMES[type] ?? (type === 12 ? 'ORIGIN' : type)}${stream === 0 ? '' : `:${stream}`}`)
    at += 9 + length
  }
  return names
}
