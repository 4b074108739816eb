/** `waterfallPage()`: a HAR document of any program as one HTML file. */

import { UsageError } from '@unshard/core'
import { shownValue } from '@unshard/core/internal'
import { DEFAULT_TITLE, resolvePageTitle, type WaterfallPageOptions } from './options.js'
import { connectionOf, membersOf, pageEntryOf, startedMsOf } from './page-entry.js'
import { pageHtml } from './page-html.js'
import { shownText } from './shown-text.js'

/** Maximum number of entries of a page: a browser draws them all. */
const MAX_ENTRIES = 20_000
/** Maximum length of a title and of a note, in characters. */
const MAX_TITLE = 300

/**
 * Draws a recording as a waterfall: returns one HTML document that loads nothing. It has no bodies. Secrets that are in the recording are
 * also in the page; `recordHar()` redacts them.
 * @param har a HAR document, parsed or as JSON text: of `recordHar()`, Chrome, Firefox, Charles or another program.
 * @throws UsageError `ERR_HAR_FILE` for anything else; `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION`.
 */
export function waterfallPage(har: string | { readonly log: object }, options?: WaterfallPageOptions): string {
  const title = resolvePageTitle(options)
  const log = logOf(har)
  const all = log['entries'] as readonly unknown[]
  const given = all.slice(0, MAX_ENTRIES)
  const starts = given.map((entry) => startedMsOf(membersOf(entry)['startedDateTime']))
  const otherwiseStartedMs = starts.reduce<number>((first, ms) => Math.min(first, ms ?? first), Number.POSITIVE_INFINITY)
  const reading = {
    isPending: false,
    hasConnections: nameConnections(given),
    otherwiseStartedMs: Number.isFinite(otherwiseStartedMs) ? otherwiseStartedMs : 0,
  }
  return pageHtml({
    title: shownText(title ?? titleOfFirstPage(log), MAX_TITLE) || DEFAULT_TITLE,
    creator: creatorOf(log),
    notes: notesOf(log, all.length, reading.hasConnections || given.length === 0),
    entries: given.map((entry, id) => pageEntryOf(entry, { ...reading, id })),
  })
}

type Log = Readonly<Record<string, unknown>>

function logOf(har: unknown): Log {
  let document = har
  if (typeof har === 'string') {
    try {
      // Some programs begin with a byte order mark.
      document = JSON.parse(har.startsWith('\ufeff') ? har.slice(1) : har)
    } catch (cause) {
      throw new UsageError('ERR_HAR_FILE', `the HAR document is not JSON: ${(cause as Error).message}`, { cause })
    }
  }
  const log = membersOf(membersOf(document)['log'])
  if (Array.isArray(log['entries'])) return log
  const what = typeof har === 'object' && har !== null ? '' : `: ${shownValue(har)}`
  throw new UsageError('ERR_HAR_FILE', `not a HAR document: it has no list log.entries${what}`)
}

function titleOfFirstPage({ pages }: Log): string {
  const { title } = membersOf(Array.isArray(pages) ? pages[0] : undefined)
  return typeof title === 'string' ? title : ''
}

function creatorOf({ creator, browser }: Log): string {
  const { name, version } = membersOf(browser ?? creator)
  const shown = [shownText(name, 100), shownText(version, 40)].filter((each) => each !== '').join(' ')
  return shown === '' ? '' : `recorded by ${shown}`
}

function notesOf({ comment }: Log, count: number, hasConnections: boolean): string[] {
  const notes = [shownText(comment, MAX_TITLE)].filter((note) => note !== '')
  if (count > MAX_ENTRIES) notes.push(`The page shows the first ${MAX_ENTRIES} of ${count} requests.`)
  if (!hasConnections) notes.push('The recording does not say which connection served a request: rows are grouped by address.')
  return notes
}

/**
 * Whether `connection` names connections. HAR 1.2 also allows the port of the server there, as Firefox
 * writes it: then all connections to one server have the same name, or one name has several addresses.
 */
function nameConnections(entries: readonly unknown[]): boolean {
  const named = entries.map((entry) => ({ connection: connectionOf(entry), entry: membersOf(entry) }))
  const known = named.filter(({ connection }) => connection !== '')
  if (known.length === 0) return false
  const addresses = new Map<string, string>()
  const areShared = known.some(({ connection, entry }) => {
    const address = shownText(entry['serverIPAddress'], 100)
    const before = addresses.get(connection)
    if (address !== '') addresses.set(connection, address)
    return before !== undefined && address !== '' && before !== address
  })
  return !areShared && !known.every(({ connection, entry }) => connection === portOf(membersOf(entry['request'])['url']))
}

function portOf(url: unknown): string {
  if (typeof url !== 'string' || !URL.canParse(url)) return ''
  const { port, protocol } = new URL(url)
  return port || (protocol === 'http:' ? '80' : '443')
}
