/**
 * Parses the output of h2load and the cost printed by the shell's `times`. Text in, numbers out.
 */

export interface H2loadReport {
  /** Completed with a 2xx status. */
  readonly requests: number
  readonly seconds: number
  readonly requestsPerSecond: number
  /** Failed, or completed with another status. */
  readonly errors: number
  /** Bytes received in DATA. */
  readonly contentBytes: number
}

/** @throws Error if a required line is missing. */
export function parseH2load(output: string): H2loadReport {
  const [, amount, unit, rate] = find(output, /^finished in ([\d.]+)(us|ms|s|m|h), ([\d.]+) req\/s/m, 'finished in')
  const [, done, failed] = find(output, /^requests: .*?(\d+) done, .*?(\d+) failed/m, 'requests')
  const [, ok] = find(output, /^status codes: (\d+) 2xx/m, 'status codes')
  const [, content] = find(output, /^traffic: .*\((\d+)\) data/m, 'traffic')
  return {
    // h2load counts a status when it arrives, even for responses cut off by the end of the run:
    // those do not count.
    requests: Math.min(Number(ok), Number(done) - Number(failed)),
    seconds: Number(amount) * SECONDS[unit as keyof typeof SECONDS],
    requestsPerSecond: Number(rate),
    errors: Number(failed) + Math.max(0, Number(done) - Number(failed) - Number(ok)),
    contentBytes: Number(content),
  }
}

/**
 * Parses the second line of `times`: user and system time of the shell's children. @throws Error if
 * it is missing.
 */
export function parseTimes(output: string): { cpuMicros: number } {
  const lines = [...output.matchAll(/^(\d+)m([\d.]+)s (\d+)m([\d.]+)s$/gm)]
  const children = lines.at(-1)
  if (children === undefined || lines.length < 2) throw new Error(`no times in ${JSON.stringify(output.slice(-200))}`)
  const [userMinutes, user, systemMinutes, system] = children.slice(1).map(Number) as [number, number, number, number]
  return { cpuMicros: Math.round(((userMinutes + systemMinutes) * 60 + user + system) * 1e6) }
}

const SECONDS = { us: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 } as const

function find(output: string, pattern: RegExp, what: string): RegExpExecArray {
  const found = pattern.exec(output)
  if (found === null) throw new Error(`h2load printed no line "${what}": ${JSON.stringify(output.slice(0, 500))}`)
  return found
}
