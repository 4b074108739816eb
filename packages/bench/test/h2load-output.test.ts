import { parseH2load, parseTimes } from '../src/competitors/h2load-output.js'

// Output of nghttp2 1.52.0.
const RIGHT = `starting benchmark...
spawning thread #0: 1 total client(s). Timing-based test with 0s of warm-up time and 0.3s of main duration for measurements.
Main benchmark duration is over for thread #0. Stopping all clients.
Stopped all clients for thread #0

finished in 301.55ms, 92333.33 req/s, 2.99MB/s
requests: 27700 total, 27800 started, 27700 done, 27700 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 27700 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 919.83KB (941905) total, 270.59KB (277081) headers (space savings 94.28%), 162.30KB (166200) data
                     min         max         mean         sd        +/- sd
time for request:      400us      5.33ms       994us       416us    86.90%
req/s           :   92299.46    92299.46    92299.46        0.00   100.00%
`

const NOT_FOUND = `finished in 2.01s, 79960.00 req/s, 13.42MB/s
requests: 23988 total, 24088 started, 23988 done, 0 succeeded, 23988 failed, 0 errored, 0 timeout
status codes: 0 2xx, 0 3xx, 23996 4xx, 0 5xx
traffic: 4.03MB (4222163) total, 234.39KB (240019) headers (space savings 91.93%), 3.39MB (3550255) data
`

describe('parseH2load', () => {
  test('a run without errors', () => {
    expect(parseH2load(RIGHT)).toEqual({
      requests: 27_700,
      seconds: expect.closeTo(0.30155, 9),
      requestsPerSecond: 92_333.33,
      errors: 0,
      contentBytes: 166_200,
    })
  })

  test('responses with another status are errors, once each', () => {
    expect(parseH2load(NOT_FOUND)).toMatchObject({ requests: 0, seconds: 2.01, errors: 23_988 })
  })

  test('failed requests are errors', () => {
    const some = RIGHT.replace('27700 succeeded, 0 failed', '27690 succeeded, 10 failed').replace('27700 2xx', '27690 2xx')
    expect(parseH2load(some)).toMatchObject({ requests: 27_690, errors: 10 })
  })

  test('a response cut off by the end of the run does not count, although its status arrived', () => {
    const cut = RIGHT.replace('27700 2xx', '27704 2xx')
    expect(parseH2load(cut)).toMatchObject({ requests: 27_700, errors: 0 })
  })

  test.each(['finished in', 'requests', 'status codes', 'traffic'])('output without "%s" is refused with that name', (line) => {
    const missing = RIGHT.replace(new RegExp(`^${line}.*$`, 'm'), '')
    expect(() => parseH2load(missing)).toThrow(`"${line}"`)
  })
})

describe('parseTimes', () => {
  test('takes the second line, user and system time added', () => {
    expect(parseTimes('0m0.010000s 0m0.000000s\n0m1.230000s 1m0.450000s\n')).toEqual({ cpuMicros: 61_680_000 })
    expect(parseTimes('a warning\n0m0.001s 0m0.002s\n0m0.120s 0m0.300s\n')).toEqual({ cpuMicros: 420_000 })
  })

  test('refuses output without such a line', () => {
    expect(() => parseTimes('0m0.010s 0m0.000s\n')).toThrow('no times')
    expect(() => parseTimes('sh: h2load: not found')).toThrow('no times')
  })
})
