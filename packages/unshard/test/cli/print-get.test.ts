import type { GetReport } from '../../src/cli/get.js'
import { printGet } from '../../src/cli/print-get.js'

const connection = {
  id: 1,
  protocol: 'h2',
  remoteAddress: '192.0.2.1',
  remotePort: 443,
  coalesced: false,
  because: 'first-connection',
}
const shared = { ...connection, coalesced: true, because: 'address-and-certificate' }

it('prints each answer, then each connection with its origins and its proxy', () => {
  const report = {
    responses: [
      { url: 'https://a.example/', status: 200, bytes: 3, connection },
      { url: 'https://b.example/', status: 404, bytes: 0, connection: shared },
      { url: 'https://c.example/', status: 200, bytes: 1, connection: { ...connection, id: 2, proxy: 'http://p.example:3128' } },
      { url: 'https://d.example/', error: { code: 'ECONNREFUSED', message: 'refused' } },
    ],
    totals: { dials: 2, handshakes: 2 },
  }
  const lines = printGet(report as unknown as GetReport).split('\n')
  expect(lines[0]).toMatch(/^https:\/\/a\.example\/ {2}200, 3 .*#1 own \(first-connection\)$/)
  expect(lines[1]).toContain('#1 shared (address-and-certificate)')
  expect(lines[3]).toBe('https://d.example/  ECONNREFUSED: refused')
  expect(lines.slice(5)).toEqual([
    '#1 h2 192.0.2.1 port 443: https://a.example https://b.example',
    '#2 h2 192.0.2.1 port 443 through http://p.example:3128: https://c.example',
    '',
    '2 dials, 2 TLS handshakes',
  ])
})
