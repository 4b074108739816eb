/** What the tests of pages share: the data of a page, and requests and events of the live server. */

import { once } from 'node:events'
import http from 'node:http'
import type { LiveUpdate, PageData, PageEntry } from '@unshard/page'

/** Returns the data of a page. */
export function dataOf(html: string): PageData {
  return JSON.parse(/<script type="application\/json" id="data">(.*)<\/script>\n/.exec(html)![1]!) as PageData
}

/** A response that was read. */
export interface Got {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly text: string
}

/** Sends a request to the live server, with any `host`. */
export async function get(url: string, options: http.RequestOptions = {}): Promise<Got> {
  const request = http.request(url, { agent: false, ...options }).end()
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return { status: response.statusCode!, headers: response.headers, text }
}

/** The entries of a live page, as a browser keeps them. */
export class Follower {
  readonly entries = new Map<number, PageEntry>()
  /** Ids of the entries that were dropped. */
  readonly dropped: number[] = []
  readonly updates: LiveUpdate[] = []
  hasEnded = false
  readonly #request: http.ClientRequest
  readonly #changed = new EventTarget()

  constructor(url: string) {
    this.#request = http.get(`${url}events`, { agent: false }, (response) => void this.#read(response))
    this.#request.on('error', () => undefined)
  }

  /** Resolves once a condition holds, which is checked after each update. */
  async until(holds: (follower: this) => boolean): Promise<void> {
    while (!holds(this)) await new Promise((resolve) => this.#changed.addEventListener('change', resolve, { once: true }))
  }

  /** Entries in the order of their ids. */
  get list(): PageEntry[] {
    return [...this.entries.values()].sort((a, b) => a.id - b.id)
  }

  close(): void {
    this.#request.destroy()
  }

  async #read(response: http.IncomingMessage): Promise<void> {
    let text = ''
    try {
      for await (const chunk of response.setEncoding('utf8')) {
        text += chunk
        for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
          this.#apply(text.slice(0, end))
          text = text.slice(end + 2)
        }
      }
    } catch {
      // The test closes it.
    }
  }

  #apply(event: string): void {
    const data = /^data: (.*)$/m.exec(event)?.[1]
    if (event.startsWith('event: end')) this.hasEnded = true
    else if (event.startsWith('event: entries')) {
      const update = JSON.parse(data!) as LiveUpdate
      this.updates.push(update)
      if (update.isSnapshot) this.entries.clear()
      for (const id of update.dropped) this.entries.delete(id)
      for (const entry of update.entries) this.entries.set(entry.id, entry)
      this.dropped.push(...update.dropped)
    }
    this.#changed.dispatchEvent(new Event('change'))
  }
}
