/** Whether a ratio has fallen since it was recorded. Pure. */

/** As guard.json has it. */
export interface RecordedRatio {
  /** How many times node:http2's rate `client.request` reached against the server of that name. */
  readonly ratio: Readonly<Record<string, number>>
}

/** Below so much of what was recorded it is told. */
export const ALARM_BELOW = 0.8

/** One line: `ok: …`, `ALARM: …`, or why nothing can be said. */
export function verdictOf(server: string, measured: number, { ratio }: RecordedRatio): string {
  const recorded = ratio[server]
  if (recorded === undefined) return `not compared: nothing is recorded for ${server}`
  if (!Number.isFinite(measured)) return 'ALARM: small GET against node:http2 could not be measured'
  const said = `small GET is ${measured.toFixed(2)} × node:http2 (${server}); recorded: ${recorded.toFixed(2)} ×`
  return measured < ALARM_BELOW * recorded ? `ALARM: ${said}; that is less than ${ALARM_BELOW} of it` : `ok: ${said}`
}
