/** Texts that parsers with more than linear time stand still on, and the clock that is held against them. */

const UNITS = [
  ' ',
  '\t',
  ',',
  '"',
  '\\',
  '%',
  '1',
  ';',
  '=',
  '/',
  '-',
  '*',
  'a',
  ' ,',
  '; ',
  ';a=',
  ';a="',
  '\\"',
  '%2',
  '"\\',
  ', 1',
  ',"',
]

/** Texts of about `length` characters: one thing again and again, alone, and with something before and behind it. */
export function hostileTexts(length: number, prefixes: readonly string[] = []): string[] {
  const texts: string[] = []
  for (const unit of UNITS) {
    const run = unit.repeat(Math.floor(length / unit.length))
    for (const prefix of ['', '5', ...prefixes]) texts.push(prefix + run, `${prefix + run}x`)
  }
  return texts
}

/** Four times the text takes four times as long where time is linear, and sixteen times where it is quadratic. */
const MAX_GROWTH = 8

/**
 * The texts that `parse` takes too long for, and how long: more than `limitMs` where the time grows faster than the text, and more than ten times
 * that where it does not (the machine may be busy). What it throws is an answer.
 */
export function slowTexts(parse: (text: string) => unknown, texts: readonly string[], limitMs: number): string[] {
  const slow: string[] = []
  for (const text of texts) {
    const best = bestTimeOf(parse, text, limitMs)
    if (best <= limitMs) continue
    const quarter = text.slice(0, text.length / 4) + text.slice(-1)
    if (best <= 10 * limitMs && best <= MAX_GROWTH * bestTimeOf(parse, quarter, 0)) continue
    slow.push(`${Math.round(best)} ms for ${JSON.stringify(text.slice(0, 30))}… ${JSON.stringify(text.slice(-5))}`)
  }
  return slow
}

/** The best of five tries; the first that is not over `enoughMs` is enough. */
function bestTimeOf(parse: (text: string) => unknown, text: string, enoughMs: number): number {
  let best = Number.POSITIVE_INFINITY
  for (let attempt = 0; attempt < 5 && best > enoughMs; attempt++) best = Math.min(best, timeOf(parse, text))
  return best
}

/** By the clock or by the processor, whichever is less: another process may have had it. */
function timeOf(parse: (text: string) => unknown, text: string): number {
  const start = performance.now()
  const cpu = process.cpuUsage()
  try {
    parse(text)
  } catch {
    // Refused: that is quick, or it is not.
  }
  const { user, system } = process.cpuUsage(cpu)
  return Math.min(performance.now() - start, (user + system) / 1_000)
}
