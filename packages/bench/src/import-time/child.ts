/** A fresh process for one import or one first request: it returns the milliseconds that took. */

import { FIRST_REQUESTS, type ImportAssignment, type ImportTurn } from './subjects.js'

process.once('message', (assignment: ImportAssignment) => {
  measure(assignment).then(
    (ms) => answer({ ms }),
    (error: unknown) => answer({ error: String(error) }),
  )
})
process.once('disconnect', () => process.exit())

async function measure(assignment: ImportAssignment): Promise<number> {
  const startedAt = performance.now()
  if ('specifier' in assignment) {
    await import(assignment.specifier)
    return performance.now() - startedAt
  }
  const { first, url, text, ca } = assignment
  const send = await FIRST_REQUESTS.get(first)!(ca)
  const response = await send(url)
  const content = await response.text()
  const ms = performance.now() - startedAt
  if (response.status !== 200 || content !== text) throw new Error(`${first}: ${response.status} ${JSON.stringify(content)}`)
  return ms
}

function answer(turn: ImportTurn): void {
  process.send!(turn, () => process.exit())
}
