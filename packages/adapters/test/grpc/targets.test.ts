/** Targets of gRPC as URLs. */

import { UsageError } from '@unshard/core'
import { baseUrlOf } from '../../src/grpc/target.js'

it.each([
  ['api.example:50051', 'https://api.example:50051'],
  ['api.example', 'https://api.example'],
  ['dns:api.example:50051', 'https://api.example:50051'],
  ['dns:///api.example:443', 'https://api.example'],
  ['ipv4:127.0.0.1:50051', 'https://127.0.0.1:50051'],
  ['ipv6:[::1]:50051', 'https://[::1]:50051'],
  ['ipv6:::1', 'https://[::1]'],
  ['[::1]:50051', 'https://[::1]:50051'],
  ['unix:/run/a.sock', 'https+unix://%2Frun%2Fa.sock'],
  ['unix:///run/a.sock', 'https+unix://%2Frun%2Fa.sock'],
])('%s is %s', (target, url) => {
  expect(baseUrlOf(target, true)).toBe(url)
})

it('without TLS the port is 443 as well', () => {
  expect(baseUrlOf('api.example', false)).toBe('http://api.example:443')
})

it.each([
  '',
  'xds:///service',
  'dns://8.8.8.8/api.example',
  'ipv4:1.2.3.4:1,5.6.7.8:2',
  'api.example:50051/path',
  'user@api.example',
  'a b',
  'unix-abstract:name',
])('%j is refused', (target) => {
  expect(() => baseUrlOf(target, true)).toThrow(UsageError)
})
