/** Numbers for readers: thousands, bytes and times. */

/** Formats a whole number with thousands separated, such as `12,345`. */
export function count(number: number): string {
  return Math.round(number).toLocaleString('en-US')
}

/** Returns a count and its noun, in the plural unless it is 1. */
export function counted(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? '' : 's'}`
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB']

/** Formats bytes in decimal units, such as `1.23 MB`. */
export function byteSize(bytes: number): string {
  let unit = 0
  let value = bytes
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1_000
    unit++
  }
  return `${unit === 0 ? Math.round(value) : threeFigures(value)} ${UNITS[unit]}`
}

/** Formats milliseconds, such as `0.12 ms`, `12.3 ms` or `1.23 s`. */
export function milliseconds(ms: number): string {
  return ms >= 999.5 ? `${threeFigures(ms / 1_000)} s` : `${threeFigures(ms)} ms`
}

function threeFigures(value: number): string {
  if (value >= 99.95) return String(Math.round(value))
  return value.toFixed(value >= 9.995 ? 1 : 2)
}
