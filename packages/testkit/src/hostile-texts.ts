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

/** The texts that `parse` takes longer for than `limitMs`, in five tries, and how long. What it throws is an answer. */
export function slowTexts(parse: (text: string) => unknown, texts: readonly string[], limitMs: number): string[] {
  const slow: string[] = []
  for (const text of texts) {
    let best = Number.POSITIVE_INFINITY
    // The machine may be busy: one quick try is enough.
    for (let attempt = 0; attempt < 5 && best > limitMs; attempt++) best = Math.min(best, timeOf(parse, text))
    if (best > limitMs)
      slow.push(`${Math.round(best)} ms for ${JSON.stringify(text.slice(0, 30))}… ${JSON.stringify(text.slice(-5))}`)
  }
  return slow
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
