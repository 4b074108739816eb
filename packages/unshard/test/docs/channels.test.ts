/** The page of the channels names each of them, with the members of its message. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CHANNELS, OPERATIONS, UNDICI } from '../../../core/src/diagnostics/channels.js'

const ROOT = join(import.meta.dirname, '../../../..')
const page = readFileSync(join(ROOT, 'docs/reference/diagnostics-channels.md'), 'utf8')
const events = readFileSync(join(ROOT, 'packages/core/src/diagnostics/events.ts'), 'utf8')

/** The first two cells of each row whose first cell is a channel. */
const rows = new Map(
  [...page.matchAll(/^\| `((?:unshard|undici):[\w:]+)` \| ([^|]*) \|/gm)].map(([, name, message]) => [name!, message!]),
)

/** Names of the members that an interface of events.ts declares. */
function membersOf(name: string): string[] {
  const [, body] = new RegExp(`interface ${name}Event extends \\w+ \\{([^]*?)\\n?\\}\\n`).exec(events) ?? []
  return [...(body ?? '').matchAll(/^ {2}(?:readonly )?(\w+)\??:/gm)].map(([, member]) => member!)
}

it('has a row for each channel of the code, and no other', () => {
  const undici = Object.values(UNDICI).map(({ name }) => String(name))
  const names = [...Object.keys(CHANNELS), ...Object.keys(OPERATIONS)].map((name) => `unshard:${name}`)
  expect([...rows.keys()].toSorted()).toEqual([...names, ...undici].toSorted())
})

it.each([...Object.keys(CHANNELS), ...Object.keys(OPERATIONS)])('names every member of the message of %s', (name) => {
  const members = membersOf(name[0]!.toUpperCase() + name.slice(1)).filter((member) => member !== 'origin')
  const message = rows.get(`unshard:${name}`)!
  for (const member of members) expect(message).toContain(`\`${member}\``)
  const known = [...message.matchAll(/`(\w+)`/g)].map(([, member]) => member!)
  const inherited = ['connection', 'request', 'origin']
  expect(known.filter((member) => !members.includes(member) && !inherited.includes(member))).toEqual(
    known.filter((member) => member === 'undefined'),
  )
})

it('names every reason for which a connection is closed', () => {
  const source = readFileSync(join(ROOT, 'packages/core/src/transport/connection.ts'), 'utf8')
  const [, union] = /type CloseReason = ([^\n]*)/.exec(source)!
  for (const [, reason] of union!.matchAll(/'(\w+)'/g)) expect(page).toContain(`| \`${reason}\` |`)
})
