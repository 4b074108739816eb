/**
 * Decodes gzip (RFC 1952) member by member. Bytes behind a complete member that do not begin
 * another one are skipped, as browsers do. Node's own decoder treats them as an error and loses
 * what it has decoded.
 */

/** Maximum number of bytes read behind the last member so that the connection can be reused. */
const MAX_TRAILING_BYTES = 65_536

const HEADER_BYTES = 10
const TRAILER_BYTES = 8
/** Header flags (RFC 1952 §2.3.1). */
const FHCRC = 0x02
const FEXTRA = 0x04
const FNAME = 0x08
const FCOMMENT = 0x10
const RESERVED = 0xe0

function zlib(): typeof import('node:zlib') {
  return process.getBuiltinModule('node:zlib')
}

/**
 * Decodes a gzip file. Leaving the iteration ends the source.
 * @throws Error with a code of zlib if the first member, or the beginning of another one, is
 * malformed or truncated.
 */
export async function* gunzip(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const input = new Input(source)
  try {
    if ((await input.peek(1)).length === 0) return
    for (let isFirst = true; isFirst || (await beginsMember(input)); isFirst = false) {
      await skipHeader(input)
      yield* inflateMember(input)
    }
    await input.passOver(MAX_TRAILING_BYTES)
  } finally {
    await input.leave()
  }
}

/**
 * Whether another member follows. A member that is truncated within its first bytes counts; a
 * single byte does not.
 */
async function beginsMember(input: Input): Promise<boolean> {
  const [first, second, method = 0x08, flags = 0] = await input.peek(4)
  return first === 0x1f && second === 0x8b && method === 0x08 && (flags & RESERVED) === 0
}

/** @throws Error if the header is malformed or truncated. */
async function skipHeader(input: Input): Promise<void> {
  const header = await input.take(HEADER_BYTES)
  if ((header[0] ?? 0x1f) !== 0x1f || (header[1] ?? 0x8b) !== 0x8b) throw failure('Z_DATA_ERROR', 'incorrect header check')
  if (header.length < HEADER_BYTES) throw cut()
  const flags = header[3]!
  if (header[2] !== 0x08 || (flags & RESERVED) !== 0) throw failure('Z_DATA_ERROR', 'unknown compression method')
  if ((flags & FEXTRA) !== 0) {
    const [low = 0, high = 0] = await input.takeAll(2)
    await input.takeAll(low | (high << 8))
  }
  if ((flags & FNAME) !== 0) await input.skipText()
  if ((flags & FCOMMENT) !== 0) await input.skipText()
  if ((flags & FHCRC) !== 0) await input.takeAll(2)
}

async function* inflateMember(input: Input): AsyncGenerator<Uint8Array> {
  const { createInflateRaw, crc32 } = zlib()
  const inflate = createInflateRaw()
  const feeding = feed(inflate, input)
  let checksum = 0
  let bytes = 0
  for await (const part of inflate as AsyncIterable<Uint8Array>) {
    checksum = crc32(part, checksum)
    bytes = (bytes + part.length) >>> 0
    yield part
  }
  await feeding
  const trailer = Buffer.from(await input.takeAll(TRAILER_BYTES))
  if (trailer.readUInt32LE(0) !== checksum) throw failure('Z_DATA_ERROR', 'incorrect data check')
  if (trailer.readUInt32LE(4) !== bytes) throw failure('Z_DATA_ERROR', 'incorrect length check')
}

type Inflate = ReturnType<typeof import('node:zlib')['createInflateRaw']>

/**
 * Feeds the decoder and returns the unused rest to the input. Never rejects: the decoder's reader
 * gets the error.
 */
async function feed(inflate: Inflate, input: Input): Promise<void> {
  let onClose: (() => void) | undefined
  // One listener for all writes: a decoder that fails does not call back for the failing write.
  inflate.once('close', () => onClose?.())
  const written = (chunk: Uint8Array): Promise<boolean> =>
    new Promise((resolve) => {
      onClose = () => resolve(false)
      inflate.write(chunk, (error) => resolve(!error))
    })
  try {
    for (let chunk = await input.next(); chunk !== undefined; chunk = await input.next()) {
      const before = inflate.bytesWritten
      if (!(await written(chunk))) return
      const taken = inflate.bytesWritten - before
      if (taken < chunk.length) {
        input.giveBack(chunk.subarray(taken))
        return
      }
    }
    inflate.end()
  } catch (error) {
    inflate.destroy(error as Error)
  }
}

function cut(): Error {
  return failure('Z_BUF_ERROR', 'unexpected end of file')
}

/** Creates an error like zlib's. */
function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}

/** Incoming bytes that can be inspected before they are consumed. */
class Input {
  readonly #iterator: AsyncIterator<Uint8Array>
  #rest: Uint8Array = EMPTY
  #isOver = false

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#iterator = source[Symbol.asyncIterator]()
  }

  /** Resolves with the next bytes, at least one; `undefined` at the end. */
  async next(): Promise<Uint8Array | undefined> {
    if (this.#rest.length > 0) return this.#clear()
    while (!this.#isOver) {
      const { done, value } = await this.#iterator.next()
      if (done === true) this.#isOver = true
      else if (value.length > 0) return value
    }
    return undefined
  }

  giveBack(bytes: Uint8Array): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([bytes, this.#rest])
  }

  /** Resolves with `count` bytes, fewer only at the end. */
  async take(count: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = []
    let missing = count
    while (missing > 0) {
      const part = await this.next()
      if (part === undefined) break
      parts.push(part.subarray(0, missing))
      if (part.length > missing) this.giveBack(part.subarray(missing))
      missing -= Math.min(part.length, missing)
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
  }

  /** @throws Error if there are fewer. */
  async takeAll(count: number): Promise<Uint8Array> {
    const bytes = await this.take(count)
    if (bytes.length < count) throw cut()
    return bytes
  }

  async peek(count: number): Promise<Uint8Array> {
    const bytes = await this.take(count)
    this.giveBack(bytes)
    return bytes
  }

  /** Skips text that ends with NUL. @throws Error if the NUL is missing. */
  async skipText(): Promise<void> {
    for (let part = await this.next(); part !== undefined; part = await this.next()) {
      const end = part.indexOf(0)
      if (end === -1) continue
      this.giveBack(part.subarray(end + 1))
      return
    }
    throw cut()
  }

  /** Reads to the end, but at most `most` bytes. */
  async passOver(maxBytes: number): Promise<void> {
    let bytes = 0
    for (let part = await this.next(); part !== undefined && bytes <= maxBytes; part = await this.next()) bytes += part.length
  }

  /** Ends the source unless it has ended. */
  async leave(): Promise<void> {
    if (!this.#isOver) await this.#iterator.return?.()
  }

  #clear(): Uint8Array {
    const rest = this.#rest
    this.#rest = EMPTY
    return rest
  }
}

const EMPTY = new Uint8Array(0)
