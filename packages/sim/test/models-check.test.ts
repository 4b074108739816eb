import { type Credentials, createAuthority } from '@unshard/testkit'
import { PROGRAMS } from '../src/models-check/programs.js'
import { HOST, OTHER } from '../src/models-check/real-server.js'
import { type Row, rowsOf } from '../src/models-check/rows.js'
import type { ServerModel } from '../src/server/model.js'
import { MODELS } from '../src/server/models/all.js'

/** Idle times are left to `pnpm sim:models`. */
const OPTIONS = { longestIdleMs: 0, longestLingerMs: 500 }

let tls: Credentials

beforeAll(async () => {
  const authority = await createAuthority()
  tls = await authority.issue({ names: [HOST, OTHER] })
})

/** Compares a model with Node's servers. */
function compare(model: ServerModel): Promise<Row[]> {
  return rowsOf(model, PROGRAMS['node']!, tls, OPTIONS)
}

function differing(rows: readonly Row[]): string[] {
  return rows.filter(({ model, real }) => model !== real).map(({ property }) => property)
}

it('the model of Node is as Node', async () => {
  const rows = await compare(MODELS['node']!)
  expect(rows.filter(({ model, real }) => model !== real)).toEqual([])
  expect(rows.length).toBeGreaterThan(14)
}, 60_000)

it('a wrong model differs, in each property that is wrong', async () => {
  const { h1, h2, ...rest } = MODELS['node']!
  const wrong: ServerModel = {
    ...rest,
    h2: { ...h2!, maxConcurrentStreams: 100, opensWithData: true, credit: 'at-once', shutdown: 'twice', maxRequests: 500 },
    h1: { ...h1!, announces: false, chunks: false },
    unknownHost: 421,
  }
  expect(differing(await compare(wrong)).sort()).toEqual([
    ...[
      'between GOAWAYs, ms',
      'connection window opens with DATA',
      'credit',
      'h1 announces its idle time',
      'h1 chunks',
      'h2 requests',
    ],
    ...['maximum of streams', 'shutdown', 'stream after GOAWAY', 'unknown host'],
  ])
}, 60_000)

it('a program that is not installed has no rows', async () => {
  expect(await rowsOf(MODELS['nginx']!, { start: () => Promise.resolve(undefined) }, tls, OPTIONS)).toEqual([])
})
