/**
 * The static table (RFC 7541 Appendix A): 61 predefined fields, by index and by name.
 */

/** Name, value, name, value…: entry n starts at index 2n - 2. */
// biome-ignore format: one field per line, as in the RFC
const ENTRIES: readonly string[] = [
  ':authority', '',
  ':method', 'GET',
  ':method', 'POST',
  ':path', '/',
  ':path', '/index.html',
  ':scheme', 'http',
  ':scheme', 'https',
  ':status', '200',
  ':status', '204',
  ':status', '206',
  ':status', '304',
  ':status', '400',
  ':status', '404',
  ':status', '500',
  'accept-charset', '',
  'accept-encoding', 'gzip, deflate',
  'accept-language', '',
  'accept-ranges', '',
  'accept', '',
  'access-control-allow-origin', '',
  'age', '',
  'allow', '',
  'authorization', '',
  'cache-control', '',
  'content-disposition', '',
  'content-encoding', '',
  'content-language', '',
  'content-length', '',
  'content-location', '',
  'content-range', '',
  'content-type', '',
  'cookie', '',
  'date', '',
  'etag', '',
  'expect', '',
  'expires', '',
  'from', '',
  'host', '',
  'if-match', '',
  'if-modified-since', '',
  'if-none-match', '',
  'if-range', '',
  'if-unmodified-since', '',
  'last-modified', '',
  'link', '',
  'location', '',
  'max-forwards', '',
  'proxy-authenticate', '',
  'proxy-authorization', '',
  'range', '',
  'referer', '',
  'refresh', '',
  'retry-after', '',
  'server', '',
  'set-cookie', '',
  'strict-transport-security', '',
  'transfer-encoding', '',
  'user-agent', '',
  'vary', '',
  'via', '',
  'www-authenticate', '',
]

/**
 * Number of static entries; index STATIC_LENGTH + 1 is the newest dynamic entry (RFC 7541 §2.3.3).
 */
export const STATIC_LENGTH: number = ENTRIES.length / 2

/** Names by HPACK index; index 0 is unused (RFC 7541 §6.1). */
export const STATIC_NAMES: readonly string[] = ['', ...ENTRIES.filter((_, i) => i % 2 === 0)]
export const STATIC_VALUES: readonly string[] = ['', ...ENTRIES.filter((_, i) => i % 2 === 1)]

/** The lowest index of each name, used for the name of a literal. */
export const STATIC_INDEX: ReadonlyMap<string, number> = firstIndexes()

function firstIndexes(): Map<string, number> {
  const indexes = new Map<string, number>()
  for (let index = STATIC_LENGTH; index > 0; index--) indexes.set(STATIC_NAMES[index]!, index)
  return indexes
}
