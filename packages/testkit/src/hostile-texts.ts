/** Texts that block parsers with more than linear time, and the measurement of that time. */

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

/**
 * Returns texts of about `length` characters: one character or string repeated, alone, and with
 * text before and behind it.
 */
export function hostileTexts(length: number, prefixes: readonly string[] = []): string[] {
  const texts: string[] = []
  for (const unit of UNITS) {
    const run = unit.repeat(Math.floor(length / unit.length))
    for (const prefix of ['', '5', ...prefixes]) texts.push(prefix + run, `${prefix + run}x`)
  }
  return texts
}

/** For a text four times as long, linear time grows by 4 and quadratic time by 16. */
const MAX_GROWTH = 8

/**
 * Returns the texts for which `parse` takes too long, with the time: more than `limitMs` if the
 * time grows faster than the text, or more than ten times that in any case (the machine may be
 * busy). An error of `parse` counts as a result.
 */
export function slowTexts(parse: (text: string) => unknown, texts: readonly string[], limitMs: number): string[] {
  const slow: string[] = []
  for (const text of texts) {
    const best = bestTimeOf(parse, text, limitMs)
    if (best <= limitMs) continue
    const quarter = text.slice(0, text.length / 4) + text.slice(-1)
    // A slow moment of the machine passes; a parser that is not linear is slow in every round.
    const grows = (): boolean => bestTimeOf(parse, text, limitMs) > Math.max(limitMs, MAX_GROWTH * bestTimeOf(parse, quarter, 0))
    if (best <= 10 * limitMs && !(grows() && grows() && grows())) continue
    slow.push(`${Math.round(best)} ms for ${JSON.stringify(text.slice(0, 30))}… ${JSON.stringify(text.slice(-5))}`)
  }
  return slow
}

/** Returns the best of five tries; stops at the first one of at most `enoughMs`. */
function bestTimeOf(parse: (text: string) => unknown, text: string, enoughMs: number): number {
  let best = Number.POSITIVE_INFINITY
  for (let attempt = 0; attempt < 5 && best > enoughMs; attempt++) best = Math.min(best, timeOf(parse, text))
  return best
}

/** Elapsed or CPU time, whichever is less: another process may have used the CPU. */
function timeOf(parse: (text: string) => unknown, text: string): number {
  const start = performance.now()
  const cpu = process.cpuUsage()
  try {
    parse(text)
  } catch {
    // An error may be fast or slow as well.
  }
  const { user, system } = process.cpuUsage(cpu)
  return Math.min(performance.now() - start, (user + system) / 1_000)
}
