// Every reason is explained in docs/unsharding.md, and nothing else is called one.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { GRANT_REASONS, REFUSAL_REASONS } from '@unshard/coalescing'

test('docs/unsharding.md explains every reason, in order', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../docs/unsharding.md'), 'utf8')
  const rows = [...text.matchAll(/^\| (?:\d )?`([a-z0-9-]+)` \|/gm)].map(([, reason]) => reason)
  expect(rows).toEqual([...GRANT_REASONS, ...REFUSAL_REASONS])
})
