/** Numbers as text. */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** A number of bytes, such as `1.2 kB`; `–` if unknown. */
export function shownBytes(bytes: number): string {
  if (bytes < 0) return '–'
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 ? value : rounded(value)} ${UNITS[unit]}`
}

/** A duration, such as `12 ms` or `1.2 s`. */
export function shownMs(ms: number): string {
  if (ms < 9.95) return `${trimmed(ms.toFixed(1))} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${rounded(ms / 1000)} s`
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 60) return `${minutes} min ${Math.floor((ms % 60_000) / 1000)} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** A whole number with separators, such as `12,000`. `toLocaleString()` takes 60 ms to load its data. */
export function shownCount(count: number): string {
  const digits = String(count)
  const groups: string[] = []
  for (let end = digits.length; end > 0; end -= 3) groups.unshift(digits.slice(Math.max(0, end - 3), end))
  return groups.join(',')
}

/** A number and its noun, such as `1 host`, `12 hosts`. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${shownCount(count)} ${count === 1 ? noun : plural}`
}

/** Two digits that matter: `1.2`, `12`, `123`. */
function rounded(value: number): string {
  return value < 9.95 ? trimmed(value.toFixed(1)) : String(Math.round(value))
}

function trimmed(text: string): string {
  return text.endsWith('.0') ? text.slice(0, -2) : text
}
