/** URLs in errors. */

import { quoted } from '../fetch/location.js'

/** Quotes a URL without its query and fragment, which may contain credentials. */
export function shownUrl(url: string): string {
  return quoted(url.slice(0, /[?#]|$/.exec(url)!.index))
}
