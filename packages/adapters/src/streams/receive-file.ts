/**
 * Downloads into a file: under a temporary name until it is complete, resuming where an earlier
 * attempt stopped.
 */

import type { FileHandle } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type Client, type HttpResponse, type RequestOptions, ResponseError } from '@unshard/core'
import { flagRow, type OptionSchema, printable, REQUEST_MEMBERS, value } from '@unshard/core/internal'
import { decode, parseCodings } from '../fetch/decode.js'
import { parseContentRange, strongValidator } from './content-range.js'
import { refuseFields, withFields } from './fields.js'
import { andOf, notAFunction, transferOptions } from './options.js'
import { PartialFile } from './partial-file.js'
import type { TransferProgress } from './send-file.js'

/** Options of {@link receiveFile} beyond those of a request. */
export interface ReceiveFileOptions extends RequestOptions {
  /**
   * Keeps the received bytes when the download fails, as `<path>.part` with their validator in
   * `<path>.part.json`, and resumes there the next time. Default false: nothing is kept. Content
   * without a strong validator cannot be resumed and is not kept. Only one download per path at a
   * time.
   * @default false
   */
  readonly resume?: boolean
  /**
   * Removes content codings: some servers store encoded content and send it even if no coding was
   * accepted. Default false: the file is stored as sent, and `contentEncoding` of the result names
   * its codings. Decoded content cannot be resumed and is not kept.
   * @default false
   */
  readonly decode?: boolean
  /**
   * Called when the response begins and after each part was written. An error it throws ends the
   * download.
   */
  readonly onProgress?: (progress: TransferProgress) => void
}

/** A downloaded file. */
export interface ReceivedFile {
  readonly path: string
  /** Size of the whole file in bytes. */
  readonly bytes: number
  /** Bytes of an earlier attempt that were not downloaded again. */
  readonly resumedBytes: number
  /** Codings that the file still has, such as `gzip`; `undefined` if none. */
  readonly contentEncoding: string | undefined
  /** The last response: 200, 206, or 416 if everything was already present. */
  readonly response: HttpResponse
}

/** Options of `receiveFile()` beyond those of a request. */
export const RECEIVE_FILE_OPTIONS: OptionSchema<Pick<ReceiveFileOptions, 'resume' | 'decode' | 'onProgress'>> = {
  resume: flagRow(false),
  decode: flagRow(false),
  onProgress: value('a function'),
}

const NAMES = andOf(REQUEST_MEMBERS, ...Object.keys(RECEIVE_FILE_OPTIONS))

/**
 * Downloads into `path`. The content is written to a temporary file that is renamed once it is
 * complete and on disk; an existing file stays until then. Content codings are not requested. If
 * the server applies one anyway, the content is stored as sent and the result says so; or see
 * `decode`.
 * @throws ResponseError `ERR_DECODE` for content that cannot be decoded; `ERR_UNEXPECTED_STATUS`
 * for any status except 200, 203 and those of a range; `ERR_CONTENT_RANGE` for a range that was not
 * requested or is incomplete; UsageError for user-supplied `range` and `if-range` fields, and for a
 * path that is not a regular file; otherwise as `client.request` or the file system.
 */
export async function receiveFile(client: Client, options: ReceiveFileOptions, path: string | URL): Promise<ReceivedFile> {
  const { resume = false, decode = false, onProgress, ...request } = transferOptions(options, NAMES, 'receiveFile()')
  if (onProgress !== undefined && typeof onProgress !== 'function') throw notAFunction('onProgress', onProgress)
  refuseFields(request.headers, ['range', 'if-range'], 'receiveFile')
  const target = typeof path === 'string' ? path : fileURLToPath(path)
  const part = await PartialFile.open(target, resume ? String(request.url) : undefined)
  const download = new Download(client, request, part, { onProgress, decode })
  try {
    const response = await download.run()
    await part.complete()
    const { resumedBytes, contentEncoding } = download
    return { path: target, bytes: part.length, resumedBytes, contentEncoding, response }
  } catch (error) {
    await part.abandon()
    throw error
  }
}

interface DownloadOptions {
  readonly onProgress: ReceiveFileOptions['onProgress']
  readonly decode: boolean
}

/** Download of one file: one request, and a second one if the requested range does not exist. */
class Download {
  readonly #client: Client
  readonly #request: RequestOptions
  readonly #part: PartialFile
  readonly #options: DownloadOptions
  #expected: number | undefined
  resumedBytes = 0
  contentEncoding: string | undefined

  constructor(client: Client, request: RequestOptions, part: PartialFile, options: DownloadOptions) {
    this.#client = client
    this.#request = request
    this.#part = part
    this.#options = options
  }

  async run(): Promise<HttpResponse> {
    const response = await this.#ask()
    if (response.status !== 416 || this.#part.length === 0) return this.#take(response)
    response.discard()
    // RFC 9110 §15.5.17: the field tells the length of the representation. Our part is either
    // complete or belongs to another representation.
    if (parseContentRange(response.headers.get('content-range'))?.total === this.#part.length) {
      this.resumedBytes = this.#part.length
      return response
    }
    await this.#part.restart(undefined)
    return this.#take(await this.#ask())
  }

  #ask(): Promise<HttpResponse> {
    const { validator, length } = this.#part
    const range = validator === undefined ? {} : { range: `bytes=${length}-`, 'if-range': validator }
    const headers = withFields(this.#request.headers, { 'accept-encoding': 'identity', ...range })
    return this.#client.request({ ...this.#request, headers })
  }

  async #take(response: HttpResponse): Promise<HttpResponse> {
    try {
      const codings = this.#codingsOf(response)
      await this.#place(response, codings.length > 0)
      this.#tell()
      const handle = this.#part.handle
      const content = codings.length === 0 ? response.body : decode(response.body, codings, Number.POSITIVE_INFINITY)
      for await (const bytes of content) {
        await writeAll(handle, bytes, this.#part.length)
        this.#part.length += bytes.length
        this.#tell()
      }
    } catch (error) {
      if (!response.complete) response.discard(error)
      throw error
    }
    if (this.#expected !== undefined && this.#part.length !== this.#expected) {
      throw this.#rangeError(response, `the file has ${this.#expected} bytes, but ${this.#part.length} arrived`)
    }
    return response
  }

  /** Returns the codings to remove. @throws ResponseError `ERR_DECODE` for an unknown coding. */
  #codingsOf({ headers }: HttpResponse): readonly string[] {
    const value = headers.get('content-encoding')
    const isCoded = value !== undefined && value !== '' && value.toLowerCase() !== 'identity'
    this.contentEncoding = isCoded && !this.#options.decode ? value : undefined
    if (!isCoded || !this.#options.decode) return []
    const codings = parseCodings(value)
    if (codings.length > 0) return codings
    const shown = JSON.stringify(value.slice(0, 60))
    throw new ResponseError('ERR_DECODE', `content coding ${shown} is not supported`, this.#details)
  }

  /**
   * Decides where the content goes. @param decoded the length differs from the file's, and parts
   * cannot be joined.
   */
  async #place(response: HttpResponse, decoded: boolean): Promise<void> {
    const { status, headers } = response
    if (status === 200 || status === 203) {
      await this.#part.restart(decoded ? undefined : strongValidator(headers))
      const length = headers.get('content-length')
      this.#expected = length === undefined || decoded ? undefined : Number(length)
      return
    }
    if (status !== 206 || this.#part.length === 0 || decoded) {
      throw new ResponseError(
        'ERR_UNEXPECTED_STATUS',
        `status ${status} for ${printable(String(this.#request.url))}`,
        this.#details,
      )
    }
    const range = parseContentRange(headers.get('content-range'))
    if (range?.first !== this.#part.length)
      throw this.#rangeError(response, `the range does not start at byte ${this.#part.length}`)
    if (range.total !== undefined && range.last !== range.total - 1)
      throw this.#rangeError(response, 'the range does not reach the end of the file')
    const tag = headers.get('etag')
    // RFC 9110 §15.3.7.3: parts may be joined only if they have the same strong validator.
    if (tag !== undefined && this.#part.validator!.startsWith('"') && tag !== this.#part.validator) {
      throw this.#rangeError(response, `the range belongs to another representation, ${printable(tag)}`)
    }
    this.resumedBytes = this.#part.length
    this.#expected = range.last! + 1
  }

  #tell(): void {
    this.#options.onProgress?.({ transferredBytes: this.#part.length, totalBytes: this.#expected })
  }

  #rangeError(response: HttpResponse, what: string): ResponseError {
    const range = JSON.stringify(response.headers.get('content-range') ?? '')
    return new ResponseError(
      'ERR_CONTENT_RANGE',
      `${what}; content-range of ${printable(String(this.#request.url))} was ${range}`,
      this.#details,
    )
  }

  get #details(): { readonly origin: string } {
    return { origin: new URL(this.#request.url).origin }
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written)
    written += bytesWritten
  }
}
