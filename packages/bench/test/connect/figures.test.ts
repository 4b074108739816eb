import {
  CONNECT_NODE,
  type ConnectTurn,
  connectClaims,
  connectResult,
  describeConnect,
  UNSHARD,
} from '../../src/connect/figures.js'

const turn = (cpuMicros: number): ConnectTurn => ({ cpuMicros, perSecond: 1e6 / cpuMicros, node: 'v24.0.0' })
const failed: ConnectTurn = { cpuMicros: Number.NaN, perSecond: Number.NaN, node: 'v24.0.0', error: 'no result' }

it('the figures are medians; a failed round counts only as an error', () => {
  const result = connectResult('grpc', UNSHARD, [turn(100), turn(400), failed, turn(200)])
  expect(result).toMatchObject({ cpuMicros: 200, perSecond: 5_000, errors: 1 })
})

it('the claim of a protocol holds up to half of the CPU time of connect-node', () => {
  const results = [
    connectResult('connect', CONNECT_NODE, [turn(200)]),
    connectResult('connect', UNSHARD, [turn(100)]),
    connectResult('grpc', CONNECT_NODE, [turn(200)]),
    connectResult('grpc', UNSHARD, [turn(101)]),
    connectResult('grpc-web', CONNECT_NODE, [failed]),
    connectResult('grpc-web', UNSHARD, [turn(1)]),
  ]
  const claims = connectClaims(results)
  expect(claims.map(({ holds, measured }) => [holds, measured])).toEqual([
    [true, '1/2.00'],
    [false, '1/1.98'],
    [undefined, '1/NaN'],
  ])
  const text = describeConnect(results, claims)
  expect(text).toMatch(/^connect +unshard\/connect +10,000 +100\.0 +0$/m)
  expect(text).toContain('grpc-web, connect-node: no result')
  expect(text).toContain('grpc-web: CPU of unshard/connect <= 1/2 of connect-node: not measured (1/NaN)')
})
