/** Upload of a file. */

import type { Client, HttpResponse, RequestOptions } from '@unshard/core'
import { withFields } from './fields.js'
import { andOf, notAFunction, transferOptions, WITHOUT_BODY } from './options.js'
import { type FileRange, openFile } from './source-file.js'

/** How far a transfer is. */
export interface TransferProgress {
  /** Octets so far; of a download that was resumed, those that were there before as well. */
  readonly transferredBytes: number
  /** Octets in all; `undefined` where the server does not say. */
  readonly totalBytes: number | undefined
}

/** What {@link sendFile} takes beyond a request's own options. */
export interface SendFileOptions extends Omit<RequestOptions, 'body'>, FileRange {
  /** Told after each part, 65,536 octets at the most, when the connection has taken it. What it throws ends the request. */
  readonly onProgress?: (progress: TransferProgress) => void
}

const NAMES = andOf(WITHOUT_BODY, 'start', 'end', 'onProgress')

/**
 * Sends a file, or the octets `start` to `end` of it. Default method `PUT`; `content-length` is that of the file when it was opened. Resolves with the
 * response as soon as its fields are there: a server may well answer before it has everything. The file is closed however this ends.
 * @throws Node's own error where the file cannot be opened; `UsageError` for a range outside it; otherwise as `client.request`.
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
