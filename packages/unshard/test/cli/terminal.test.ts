/** Text from a server must not reach the terminal as a control sequence. */

import { printProbe } from '../../src/cli/probe/print-probe.js'
import { forTerminal, jsonForTerminal } from '../../src/cli/terminal.js'

const HOSTILE = 'x\u001b[31m\u009b2J\u0007\r\u0085\u202e\u007f\0\nforged line'
const RAW = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/

const error = { code: `ERR${HOSTILE}`, message: HOSTILE }
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

it('names, values and errors from servers are printed with escaped control characters, on one line each', () => {
  for (const text of [printProbe(probed)].map(forTerminal)) {
    expect(text).toContain('x\\u001b[31m\\u009b2J\\u0007\\u000d\\u0085\\u202e\\u007f\\u0000\\u000aforged line')
    expect(text).not.toMatch(RAW)
    expect(text.split('\n')).not.toContain('forged line')
  }
})

it('--json escapes C1 characters and DEL, which are valid in JSON, and parses to the same value', () => {
  const text = jsonForTerminal({ probed })
  expect(text).not.toMatch(RAW)
  expect(JSON.parse(text)).toEqual({ probed })
})
