/** What a server says never reaches the terminal as a command to it. */

import { printGet } from '../../src/cli/print-get.js'
import { printProbe } from '../../src/cli/print-probe.js'
import { forTerminal, jsonForTerminal } from '../../src/cli/terminal.js'

const HOSTILE = 'x\u001b[31m\u009b2J\u0007\r\u0085\u202e\u007f\0\nforged line'
const RAW = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/

const error = { code: `ERR${HOSTILE}`, message: HOSTILE }
const got = { responses: [{ url: 'https://a.example/', error }], totals: { dials: 1, handshakes: 0 }, exitCode: 1 as const }
const probed = {
  origins: [
    {
      origin: 'https://a.example',
      addresses: [],
      protocol: undefined,
      connectedTo: undefined,
      subjectAltName: undefined,
      originSet: undefined,
      error,
    },
    {
      ...{ origin: 'https://b.example', addresses: ['192.0.2.1'], protocol: 'h2' as const, connectedTo: '192.0.2.1' },
      ...{ subjectAltName: `DNS:${HOSTILE}`, originSet: [HOSTILE] },
    },
  ],
  pairs: [],
  connections: [['https://b.example']],
  comparisons: [
    {
      origin: 'https://a.example',
      sharedWith: 'https://b.example',
      outcome: 'failed' as const,
      own: undefined,
      shared: undefined,
      error: HOSTILE,
    },
  ],
  configuration: {} as never,
  exitCode: 1 as const,
}

it('names, values and errors of servers are printed with control characters escaped, on one line each', () => {
  for (const text of [printGet(got), printProbe(probed)].map(forTerminal)) {
    expect(text).toContain('x\\u001b[31m\\u009b2J\\u0007\\u000d\\u0085\\u202e\\u007f\\u0000\\u000aforged line')
    expect(text).not.toMatch(RAW)
    expect(text.split('\n')).not.toContain('forged line')
  }
})

it('--json: C1 characters and DEL, which JSON leaves as they are, are escaped, and it parses to the same', () => {
  const text = jsonForTerminal({ got, probed })
  expect(text).not.toMatch(RAW)
  expect(JSON.parse(text)).toEqual({ got, probed })
})
