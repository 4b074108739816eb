/** Decides whether a ratio has dropped since it was recorded. Pure. */

/** Format of guard.json. */
export interface RecordedRatio {
  /** Rate of `client.request` as a multiple of node:http2's, by server. */
  readonly ratio: Readonly<Record<string, number>>
}

/** Fraction of the recorded ratio below which the alarm is raised. */
export const ALARM_BELOW = 0.8

/** Returns one line: `ok: …`, `ALARM: …`, or the reason why there is no verdict. */
export function verdictOf(server: string, measured: number, { ratio }: RecordedRatio): string {
  const recorded = ratio[server]
  if (recorded === undefined) return `not compared: no recorded ratio for ${server}`
  if (!Number.isFinite(measured)) return 'ALARM: small GET against node:http2 could not be measured'
  const summary = `small GET is ${measured.toFixed(2)} × node:http2 (${server}); recorded: ${recorded.toFixed(2)} ×`
  return measured < ALARM_BELOW * recorded ? `ALARM: ${summary}; below ${ALARM_BELOW} of it` : `ok: ${summary}`
}
