/** The value of the priority field (RFC 9218 §4, RFC 8941 §3.2). */

import { type Priority, serializePriority } from '../../src/message/priority.js'

it.each<[Priority, string]>([
  [{}, ''],
  [{ urgency: 3, incremental: false }, ''],
  [{ urgency: 0 }, 'u=0'],
  [{ urgency: 7, incremental: true }, 'u=7, i'],
  [{ incremental: true }, 'i'],
])('priority %j is serialized as %j', (priority, value) => {
  expect(serializePriority(priority)).toBe(value)
})

it.each([
  [{ urgency: 8 }, 'priority.urgency must be a whole number from 0 to 7, not 8'],
  [{ urgency: -1 }, 'priority.urgency must be a whole number from 0 to 7, not -1'],
  [{ urgency: 1.5 }, 'priority.urgency must be a whole number from 0 to 7, not 1.5'],
  [{ urgency: '1' }, 'priority.urgency must be a whole number from 0 to 7, not 1'],
  [{ incremental: 1 }, 'priority.incremental must be true or false, not 1'],
  ['high', 'priority must be an object { urgency, incremental }'],
  [null, 'priority must be an object { urgency, incremental }'],
])('priority %j is refused', (priority, message) => {
  expect(() => serializePriority(priority as Priority)).toThrow(
    expect.objectContaining({ name: 'UsageError', code: 'ERR_INVALID_PRIORITY', message }),
  )
})
