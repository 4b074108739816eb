import { ArgumentsError, parseArguments } from '../../src/cli/arguments.js'

const options = { json: false, send: false, path: '/', resolve: new Map(), ca: undefined, timeoutMs: 10_000 }

it.each([
  [['probe', 'a.example', 'https://B.example:8443/x'], ['https://a.example', 'https://b.example:8443'], {}],
  [['probe', 'a.example', 'https://a.example:443'], ['https://a.example'], {}],
  [
    ['probe', 'http://a.example', '--json', '--send', '--path', '/x'],
    ['http://a.example'],
    { json: true, send: true, path: '/x' },
  ],
  [['probe', 'a.example', '--timeout', '0.5'], ['https://a.example'], { timeoutMs: 500 }],
  [['probe', 'a.example', '--timeout', '1.0009'], ['https://a.example'], { timeoutMs: 1_001 }],
  [['probe', 'a.example', '--timeout', '1e-9'], ['https://a.example'], { timeoutMs: 1 }],
  [
    ['probe', 'a.example', '--resolve', 'Bücher.example=192.0.2.1'],
    ['https://a.example'],
    { resolve: new Map([['xn--bcher-kva.example', ['192.0.2.1']]]) },
  ],
  [
    ['probe', 'a.example', '--resolve', 'A.example=192.0.2.1,2001:db8::1', '--resolve', 'b.example=192.0.2.2'],
    ['https://a.example'],
    {
      resolve: new Map([
        ['a.example', ['192.0.2.1', '2001:db8::1']],
        ['b.example', ['192.0.2.2']],
      ]),
    },
  ],
])('%j', (argv, targets, differing) => {
  expect(parseArguments(argv)).toEqual({ command: 'probe', targets, options: { ...options, ...differing } })
})

it('get accepts URLs, including repeated ones', () => {
  const targets = ['https://a.example/x?y', 'https://a.example/x?y', 'https://b.example/']
  expect(parseArguments(['get', 'a.example/x?y', ...targets.slice(1)])).toEqual({ command: 'get', targets, options })
})

it.each([
  [['--help'], 'help'],
  [['help'], 'help'],
  [['probe', '-h'], 'help'],
  [['--version'], 'version'],
])('%j', (argv, command) => {
  expect(parseArguments(argv)).toEqual({ command })
})

it.each([
  [[], 'no command'],
  [['fetch', 'a.example'], 'unknown command "fetch"'],
  [['probe'], 'probe requires at least one origin'],
  [['get'], 'get requires at least one URL'],
  [['probe', 'ftp://a.example'], '"ftp://a.example" is not a valid origin'],
  [['probe', 'https://'], '"https://" is not a valid origin'],
  [['get', 'https://a b/'], '"https://a b/" is not a valid origin'],
  [['get', 'a.example', '--send'], '--send and --path are only valid for probe'],
  [['probe', 'a.example', '--path', 'x'], '--path must begin with a slash, not "x"'],
  [['probe', 'a.example', '--resolve', 'a.example'], '--resolve takes HOST=ADDRESS[,ADDRESS…], not "a.example"'],
  [
    ['probe', 'a.example', '--resolve', 'a.example=b.example'],
    '--resolve takes HOST=ADDRESS[,ADDRESS…], not "a.example=b.example"',
  ],
  [
    ['probe', 'a.example', '--resolve', 'a.example:443=192.0.2.1'],
    '--resolve takes HOST=ADDRESS[,ADDRESS…], not "a.example:443=192.0.2.1"',
  ],
  [['probe', 'a.example', '--timeout', '0'], '--timeout takes seconds, above 0 and at most 3600, not "0"'],
  [['probe', 'a.example', '--timeout', ''], '--timeout takes seconds, above 0 and at most 3600, not ""'],
  [['probe', 'a.example', '--cacert', '/nowhere/ca.pem'], /^--cacert: ENOENT/],
  [['probe', 'a.example', '--frobnicate'], "Unknown option '--frobnicate'"],
])('%j is refused', (argv, message) => {
  expect(() => parseArguments(argv)).toThrow(ArgumentsError)
  expect(() => parseArguments(argv)).toThrow(message)
})
