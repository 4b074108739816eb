import { ArgumentsError, parseArguments } from '../src/arguments.js'

const KNOWN = ['small-get', 'download']
const parse = (line: string) => parseArguments(line === '' ? [] : line.split(' '), KNOWN)

describe('parseArguments', () => {
  test('defaults: every scenario, five rounds of two seconds after one second of warm-up', () => {
    expect(parse('')).toEqual({
      scenarios: KNOWN,
      json: false,
      plot: false,
      docs: false,
      seconds: 2,
      warmupSeconds: 1,
      rounds: 5,
      roundTripMs: 40,
      ownServer: false,
    })
  })

  test('scenarios and options in any order, each scenario only once', () => {
    expect(
      parse(
        '--json download --seconds 0.2 download --rounds=1 --warmup 0 --round-trip 80 --own-server --plot --docs --profile p',
      ),
    ).toEqual({
      scenarios: ['download'],
      json: true,
      plot: true,
      docs: true,
      profileFolder: 'p',
      seconds: 0.2,
      warmupSeconds: 0,
      rounds: 1,
      roundTripMs: 80,
      ownServer: true,
    })
  })

  test('the two dashes that npm requires are skipped', () => {
    expect(parse('-- --json').json).toBe(true)
  })

  test.each([
    ['large-get', 'unknown scenario "large-get"; known scenarios: small-get, download'],
    ['--fast', "'--fast'"],
    ['--seconds', "'--seconds <value>'"],
    ['--json=yes', '--json'],
    ['--seconds 0', '--seconds takes a number above 0, at most 600, not "0"'],
    ['--seconds=-1', '--seconds takes'],
    ['--seconds 1e9', '--seconds takes'],
    ['--seconds 1s', '--seconds takes'],
    ['--warmup 601', '--warmup takes a number from 0 to 600, not "601"'],
    ['--rounds 1.5', '--rounds takes a whole number from 1 to 1000, not "1.5"'],
    ['--rounds 0', '--rounds takes'],
    ['--round-trip 1001', '--round-trip takes a number from 0 to 1000, not "1001"'],
  ])('%s is refused by name', (line, message) => {
    const act = () => parse(line)
    expect(act).toThrow(ArgumentsError)
    expect(act).toThrow(message)
  })
})
