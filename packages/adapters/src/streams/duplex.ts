/** One request as a stream both ways: what is written is the request's content, what is read the response's. Full duplex over HTTP/2. */

import { Duplex, type Readable, Transform } from 'node:stream'
import type { Client, HttpResponse, RequestOptions } from '@unshard/core'

/** A request and its answer as streams. */
export interface RequestDuplex {
  /** Writes the request's content, reads the response's. Destroying it resets the HTTP stream. */
  readonly duplex: Duplex
  /** The response, as soon as its fields are there. Its body is the duplex's to read. */
  readonly response: Promise<HttpResponse>
}

/**
 * Opens a request whose content is written to a stream. Default method `POST`.
 * @param options as for `client.request`, without `body`.
 */
export function openDuplex(client: Client, options: Omit<RequestOptions, 'body'>): RequestDuplex {
  const content = new Transform({ transform: (chunk, _encoding, callback) => callback(null, chunk) })
  // Its failure is the request's, and is told by the duplex.
  content.on('error', () => undefined)
  const response = client.request({ method: 'POST', ...options, body: content })
  const reader = new ResponseReader(response)
  const duplex = new Duplex({
    write: (chunk, encoding, callback) => void content.write(chunk, encoding, callback),
    final: (callback) => void content.end(callback),
    read: () => reader.read(duplex),
    destroy: (error, callback) => {
      content.destroy(error ?? undefined)
      reader.destroy(error)
      callback(error)
    },
  })
  response.then(
    (answer) => reader.attach(answer, duplex),
    (error: Error) => duplex.destroy(error),
  )
  return { duplex, response }
}

/** The same as web streams. */
export function openWebDuplex(
  client: Client,
  options: Omit<RequestOptions, 'body'>,
): { readable: ReadableStream<Uint8Array>; writable: WritableStream<Uint8Array>; response: Promise<HttpResponse> } {
  const { duplex, response } = openDuplex(client, options)
  const { readable, writable } = Duplex.toWeb(duplex)
  return { readable: readable as ReadableStream<Uint8Array>, writable: writable as WritableStream<Uint8Array>, response }
}

/** Moves the response's content into the duplex at the pace of whoever reads it. */
class ResponseReader {
  #source: Readable | undefined
  #destroyed = false

  constructor(response: Promise<HttpResponse>) {
    // Whoever wants the response handles its failure; the duplex reports it to everybody else.
    response.catch(() => undefined)
  }

  attach(response: HttpResponse, duplex: Duplex): void {
    const source = response.nodeStream()
    if (this.#destroyed) {
      source.destroy()
      return
    }
    this.#source = source
    source.on('data', (chunk: Buffer) => {
      if (!duplex.push(chunk)) source.pause()
    })
    source.on('end', () => duplex.push(null))
    source.on('error', (error: Error) => duplex.destroy(error))
  }

  read(_duplex: Duplex): void {
    this.#source?.resume()
  }

  destroy(error: Error | null): void {
    this.#destroyed = true
    this.#source?.destroy(error ?? undefined)
  }
}
