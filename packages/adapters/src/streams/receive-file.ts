/** Download into a file: under another name until all of it is there, and resumed where an earlier attempt broke off. */

import type { FileHandle } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type Client, type HttpResponse, type RequestOptions, ResponseError } from '@unshard/core'
import { parseContentRange, strongValidator } from './content-range.js'
import { refuseFields, withFields } from './fields.js'
import { PartialFile } from './partial-file.js'
import type { TransferProgress } from './send-file.js'

/** What {@link receiveFile} takes beyond a request's own options. */
export interface ReceiveFileOptions extends RequestOptions {
  /**
   * Keeps what has arrived when the download fails, as `<path>.part` with its validator in `<path>.part.json`, and goes on from there the next time.
   * Default false: nothing is left. What the server gives no strong validator for cannot be resumed, and is not kept. One download of a path at a time.
   */
  readonly resume?: boolean
  /** Told when the response begins, and after each part was written. What it throws ends the download. */
  readonly onProgress?: (progress: TransferProgress) => void
}

/** A file that has arrived. */
export interface ReceivedFile {
  readonly path: string
  /** Octets of the whole file. */
  readonly bytes: number
  /** Octets of an earlier attempt that were not asked for again. */
  readonly resumedBytes: number
  /** The last response: 200, 206, or 416 where everything was there already. */
  readonly response: HttpResponse
}

/**
 * Downloads into `path`. The content is written beside it and takes its name when it is complete and on the disk; a file that was there stays until then.
 * Content codings are not asked for, and what is sent with one is written as it is sent.
 * @throws ResponseError `ERR_UNEXPECTED_STATUS` for any status but 200, 203, and those of a range; `ERR_CONTENT_RANGE` for a part that was
 * not asked for, or is not whole; UsageError for `range` and `if-range` among the fields, and for a path
 * at which there is something other than a file; otherwise as `client.request`, or as the file system.
 */
export async function receiveFile(client: Client, options: ReceiveFileOptions, path: string | URL): Promise<ReceivedFile> {
  const { resume = false, onProgress, ...request } = options
  refuseFields(request.headers, ['range', 'if-range'], 'receiveFile')
  const target = typeof path === 'string' ? path : fileURLToPath(path)
  const part = await PartialFile.open(target, resume ? String(request.url) : undefined)
  const download = new Download(client, request, part, onProgress)
  try {
    const response = await download.run()
    await part.complete()
    return { path: target, bytes: part.length, resumedBytes: download.resumedBytes, response }
  } catch (error) {
    await part.abandon()
    throw error
  }
}

/** One file's way here: one request, and a second one where the first was for a range that does not exist. */
class Download {
  readonly #client: Client
  readonly #request: RequestOptions
  readonly #part: PartialFile
  readonly #onProgress: ReceiveFileOptions['onProgress']
  #expected: number | undefined
  resumedBytes = 0

  constructor(client: Client, request: RequestOptions, part: PartialFile, onProgress: ReceiveFileOptions['onProgress']) {
    this.#client = client
    this.#request = request
    this.#part = part
    this.#onProgress = onProgress
  }

  async run(): Promise<HttpResponse> {
    const response = await this.#ask()
    if (response.status !== 416 || this.#part.length === 0) return this.#take(response)
    response.discard()
    // RFC 9110 §15.5.17: the field says how long the representation is, and ours is complete, or is not one of it.
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
      await this.#place(response)
      this.#tell()
      const handle = this.#part.handle
      for await (const bytes of response.body) {
        await writeAll(handle, bytes, this.#part.length)
        this.#part.length += bytes.length
        this.#tell()
      }
    } catch (error) {
      if (!response.complete) response.discard(error)
      throw error
    }
    if (this.#expected !== undefined && this.#part.length !== this.#expected) {
      throw this.#rangeError(response, `the file has ${this.#expected} octets, and ${this.#part.length} came`)
    }
    return response
  }

  /** Decides where the content goes. */
  async #place(response: HttpResponse): Promise<void> {
    const { status, headers } = response
    if (status === 200 || status === 203) {
      await this.#part.restart(strongValidator(headers))
      const length = headers.get('content-length')
      this.#expected = length === undefined ? undefined : Number(length)
      return
    }
    if (status !== 206 || this.#part.length === 0) {
      throw new ResponseError('ERR_UNEXPECTED_STATUS', `status ${status} for ${String(this.#request.url)}`, this.#details)
    }
    const range = parseContentRange(headers.get('content-range'))
    if (range?.first !== this.#part.length) throw this.#rangeError(response, `asked for octet ${this.#part.length} and on`)
    if (range.total !== undefined && range.last !== range.total - 1) throw this.#rangeError(response, 'the end is missing')
    const tag = headers.get('etag')
    // RFC 9110 §15.3.7.3: parts are joined only where they share the same strong validator.
    if (tag !== undefined && this.#part.validator!.startsWith('"') && tag !== this.#part.validator) {
      throw this.#rangeError(response, `part of another representation, ${tag}`)
    }
    this.resumedBytes = this.#part.length
    this.#expected = range.last! + 1
  }

  #tell(): void {
    this.#onProgress?.({ transferredBytes: this.#part.length, totalBytes: this.#expected })
  }

  #rangeError(response: HttpResponse, what: string): ResponseError {
    const range = JSON.stringify(response.headers.get('content-range') ?? '')
    return new ResponseError(
      'ERR_CONTENT_RANGE',
      `${what}; content-range was ${range} (${String(this.#request.url)})`,
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
