/** A server with the part of the API of Slack that the checks and the guide use. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { contentOf, digest, everyOther, formOf, json, UPLOAD } from './answers.js'

/** Returns the handler of one server: every other request of some methods fails. */
export function slackServer() {
  const failsNow = everyOther()
  let uploaded = ''
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const method = request.url!.slice(request.url!.lastIndexOf('/') + 1)
    if (method === 'silent') return
    if (method === 'unavailable' || (method === 'failing' && failsNow(method))) {
      return void response.writeHead(503, { 'content-type': 'text/plain' }).end('come back later')
    }
    if (method === 'always.limited' || (method === 'limited' && failsNow(method))) {
      return void response.writeHead(429, { 'retry-after': method === 'limited' ? '0' : '30' }).end()
    }
    if (method === 'upload') {
      const isForm = request.headers['content-type']?.startsWith('multipart/') === true
      uploaded = isForm ? Object.values(await formOf(request)).join(' ') : digest(await contentOf(request))
      return void response.end('OK')
    }
    const form = new URLSearchParams(String(await contentOf(request)))
    json(response, answerTo(method, form, `https://${request.headers[':authority'] ?? request.headers.host}/upload`, uploaded))
  }
}

function answerTo(method: string, form: URLSearchParams, uploadUrl: string, uploaded: string): object {
  if (method === 'chat.postMessage') {
    if (form.get('channel') === 'wrong') return { ok: false, error: 'channel_not_found' }
    return { ok: true, message: { text: form.get('text') } }
  }
  if (method === 'conversations.list') {
    const isLast = form.get('cursor') === 'next'
    return { ok: true, channels: [{ id: isLast ? 'C2' : 'C1' }], response_metadata: { next_cursor: isLast ? '' : 'next' } }
  }
  if (method === 'files.getUploadURLExternal') {
    const isWhole = form.get('length') === String(UPLOAD.length)
    return isWhole ? { ok: true, upload_url: uploadUrl, file_id: 'F1' } : { ok: false, error: 'wrong_length' }
  }
  if (method === 'files.completeUploadExternal') return { ok: true, files: [{ id: 'F1', title: uploaded }] }
  return { ok: true }
}
