/**
 * gzip (RFC 1952), member by member. A member that is complete is complete: bytes behind it that are not another one are passed over, as browsers do.
 * Node's own decoder takes them for an error, and what it had decoded is lost.
 */

/** Bytes behind the last member that are read, so that the connection may be used again. */
const MAX_TRAILING_BYTES = 65_536

const HEADER_BYTES = 10
const TRAILER_BYTES = 8
/** RFC 1952 §2.3.1, flags of a header. */
const FHCRC = 0x02
const FEXTRA = 0x04
const FNAME = 0x08
const FCOMMENT = 0x10
const RESERVED = 0xe0

function zlib(): typeof import('node:zlib') {
  return process.getBuiltinModule('node:zlib')
}

/**
 * Decodes a gzip file. Leaving it ends the source.
 * @throws Error with a code of zlib where the first member, or what begins as another, is malformed or cut.
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

/** Whether another member follows; one that is cut in its first bytes counts, one byte alone does not. */
async function beginsMember(input: Input): Promise<boolean> {
  const [first, second, method = 0x08, flags = 0] = await input.peek(4)
  return first === 0x1f && second === 0x8b && method === 0x08 && (flags & RESERVED) === 0
}

/** @throws Error where the header is malformed or cut. */
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

/** Gives the decoder what it takes, and the input the rest back. Never rejects: the decoder's reader hears of what goes wrong. */
async function feed(inflate: Inflate, input: Input): Promise<void> {
  let onClose: (() => void) | undefined
  // One listener for all writes: a decoder that fails does not call back the write that it failed in.
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

/** As zlib's own. */
function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}

/** Bytes that arrive, and that may be looked at before they are taken. */
class Input {
  readonly #iterator: AsyncIterator<Uint8Array>
  #rest: Uint8Array = EMPTY
  #isOver = false

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#iterator = source[Symbol.asyncIterator]()
  }

  /** The next bytes, one at least; `undefined` at the end. */
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

  /** As many bytes as `count`, fewer only at the end. */
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

  /** @throws Error where there are fewer. */
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

  /** Passes over text that ends with NUL. @throws Error where it does not end. */
  async skipText(): Promise<void> {
    for (let part = await this.next(); part !== undefined; part = await this.next()) {
      const end = part.indexOf(0)
      if (end === -1) continue
      this.giveBack(part.subarray(end + 1))
      return
    }
    throw cut()
  }

  /** Reads to the end, unless there is more than `most`. */
  async passOver(most: number): Promise<void> {
    let bytes = 0
    for (let part = await this.next(); part !== undefined && bytes <= most; part = await this.next()) bytes += part.length
  }

  /** Ends the source where it has not ended. */
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
