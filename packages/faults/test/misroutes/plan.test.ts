import { Environment } from '../../src/misroutes/environment.js'
import { ADDRESSES, CERTIFICATES, CLIENTS, certificateShown, FAMILIES, HOSTS, HTTP1_HOSTS } from '../../src/misroutes/plan.js'
import { randomFor } from '../../src/random.js'

it('50 origins, 8 addresses, 5 certificates', () => {
  expect(new Set(HOSTS).size).toBe(50)
  expect(new Set(ADDRESSES).size).toBe(8)
  expect(CERTIFICATES).toHaveLength(5)
  expect(CLIENTS.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1)
})

it('every host gets a certificate that a new connection accepts, whatever the server prefers', () => {
  const wildcard = (host: string): string => host.replace(/^[^.]+/, '*')
  for (const preference of [
    [0, 1, 2, 3, 4],
    [4, 3, 2, 1, 0],
    [3, 2, 4, 0, 1],
  ]) {
    for (const host of HOSTS) {
      const { names, commonName } = CERTIFICATES[certificateShown({ preference }, host)]!
      expect([...names, commonName]).toEqual(expect.arrayContaining([names.includes(host) ? host : wildcard(host)]))
    }
  }
})

it('the first matching certificate in order of preference is used, and a default for handshakes without a server name', () => {
  expect(certificateShown({ preference: [0, 4] }, 'a3.one.example')).toBe(0)
  expect(certificateShown({ preference: [4, 0] }, 'a3.one.example')).toBe(4)
  expect(certificateShown({ preference: [0, 1] }, '')).toBe(4)
})

describe('the environment', () => {
  const resolve = (environment: Environment, host: string): Promise<readonly string[]> =>
    new Promise((done) => {
      const told = environment.lookup((_, addresses) => done(addresses))
      told(host, { all: true }, () => undefined)
    })

  it('starts identically for the same seed', async () => {
    const [one, other] = [new Environment(randomFor(7)), new Environment(randomFor(7))]
    expect(one.lives()).toEqual(other.lives())
    expect(await resolve(one, HOSTS[0]!)).toEqual(await resolve(other, HOSTS[0]!))
  })

  it('gives every host an address, and the HTTP/1.1 hosts only the HTTP/1.1 server', async () => {
    const environment = new Environment(randomFor(3))
    for (let i = 0; i < 300; i++) environment.change()
    for (const host of FAMILIES.flat()) {
      const addresses = await resolve(environment, host)
      expect(addresses.length).toBeGreaterThan(0)
      expect(addresses.includes(ADDRESSES[7]!)).toBe(HTTP1_HOSTS.has(host))
    }
  })
})
