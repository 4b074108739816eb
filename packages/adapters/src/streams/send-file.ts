/** Upload of a file. */

import type { Client, HttpResponse, RequestOptions } from '@unshard/core'
import { type OptionSchema, value } from '@unshard/core/internal'
import { withFields } from './fields.js'
import { andOf, notAFunction, transferOptions, WITHOUT_BODY } from './options.js'
import { type FileRange, openFile } from './source-file.js'

/** Progress of a transfer. */
export interface TransferProgress {
  /** Bytes transferred so far; for a resumed download, including those of earlier attempts. */
  readonly transferredBytes: number
  /** Total number of bytes; `undefined` if the server does not announce it. */
  readonly totalBytes: number | undefined
}

/** Options of {@link sendFile} beyond those of a request. */
export interface SendFileOptions extends Omit<RequestOptions, 'body'>, FileRange {
  /**
   * Called when the connection has taken a part, at most 65,536 bytes each. An error it throws ends
   * the request.
   */
  readonly onProgress?: (progress: TransferProgress) => void
}

/** Options of `sendFile()` beyond those of a request. */
export const SEND_FILE_OPTIONS: OptionSchema<Pick<SendFileOptions, 'start' | 'end' | 'onProgress'>> = {
  start: value('a byte offset', '0'),
  end: value('a byte offset', 'the last byte'),
  onProgress: value('a function'),
}

const NAMES = andOf(WITHOUT_BODY, ...Object.keys(SEND_FILE_OPTIONS))

/**
 * Sends a file, or its bytes `start` to `end`. Default method `PUT`; `content-length` is the size
 * of the file when it was opened. Resolves with the response as soon as its headers arrive, which
 * may be before everything is sent. The file is always closed.
 * @throws Node's own error if the file cannot be opened; `UsageError` for a range outside the file;
 * otherwise as `client.request`.
 */
export async function sendFile(client: Client, path: string | URL, options: SendFileOptions): Promise<HttpResponse> {
  const { start, end, onProgress, ...request } = transferOptions(options, NAMES, 'sendFile()')
  if (onProgress !== undefined && typeof onProgress !== 'function') throw notAFunction('onProgress', onProgress)
  const range = { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) }
  const file = await openFile(path, range)
  if (onProgress !== undefined) {
    file.onPart = (transferredBytes) => onProgress({ transferredBytes, totalBytes: file.length })
  }
  const headers = withFields(request.headers, { 'content-length': file.length })
  try {
    return await client.request({ method: 'PUT', ...request, headers, body: file })
  } catch (error) {
    await file.close()
    throw error
  }
}
