/** Text report of `unshard explain`. */

import type { Colors } from '../colors.js'
import { lineForTerminal } from '../terminal.js'
import type { ExplainReport, NamedReason, ReportedCandidate } from './explain.js'

/** Returns the lines for a terminal. */
export function printExplain(report: ExplainReport, colors: Colors): string {
  const { origin, addresses, candidates, warmed } = report
  return [
    colors.bold(lineForTerminal(origin)),
    `  addresses  ${lineForTerminal(addresses.join(' ')) || 'not known'}`,
    `  action     ${colors.bold(actionText(report))}`,
    `  because    ${reasonText(report)}`,
    ...candidates.flatMap((candidate) => ['', ...candidateLines(candidate, colors)]),
    ...warmed
      .filter(({ error }) => error !== undefined)
      .flatMap(({ origin, error }) => [
        '',
        `${origin} could not be reached`,
        `  ${lineForTerminal(`${error!.code}: ${error!.message}`)}`,
      ]),
  ].join('\n')
}

function actionText({ action, connection, candidates }: ExplainReport): string {
  if (action === 'dial') return 'dial a new connection'
  if (action === 'wait') return 'wait for a pending dial'
  const madeFor = candidates.find((each) => each.connection === connection?.id)?.origin
  return lineForTerminal(`use connection ${connection?.id} of ${madeFor}, ${connection?.protocol}`)
}

function candidateLines(candidate: ReportedCandidate, colors: Colors): string[] {
  const { connection, origin, addresses, verdict } = candidate
  const name = connection === undefined ? 'pending dial' : `connection ${connection}`
  const color = verdict === 'refuse' ? colors.red : colors.green
  return [
    lineForTerminal(`${name} of ${origin}`),
    `  addresses  ${lineForTerminal(addresses.join(' ')) || 'not known'}`,
    `  verdict    ${color(verdict)}`,
    `  because    ${reasonText(candidate)}`,
  ]
}

function reasonText({ because, sentence }: NamedReason): string {
  return lineForTerminal(sentence === undefined ? because : `${because}: ${sentence}`)
}
