/** What a live page gets: requests while they happen, of one client or of all, without secrets and within bounds. */

import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { mockClient } from '@unshard/core/testing'
import { Redaction } from '../../src/har/redaction.js'
import { type Inspection, type InspectOptions, inspect } from '../../src/inspect/index.js'
import { LiveEntries } from '../../src/inspect/live-entries.js'
import { Subscribers } from '../../src/inspect/subscribers.js'
import { testEnvironment } from '../environment.js'
import { Follower } from './fixture.js'

const environment = testEnvironment()
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

async function follow(...given: Parameters<typeof inspect>): Promise<{ inspection: Inspection; follower: Follower }> {
  const inspection = await inspect(...given)
  const follower = new Follower(inspection.url)
  ends.push(
    () => follower.close(),
    () => inspection.close(),
  )
  await follower.until(({ updates }) => updates.length > 0)
  return { inspection, follower }
}

const completed = (count: number) => (follower: Follower) => follower.list.filter(({ isPending }) => !isPending).length >= count

it('a request is shown while it is in flight, and completed in place', async () => {
  let answer = (): void => undefined
  const server = await environment.server({
    handler: (_request, response) => {
      answer = () => void response.end('hello')
    },
  })
  const client = environment.client()
  const { follower } = await follow(client)
  const response = client.get(`${server.url('a.test.example')}/slow`)
  await follower.until(({ list }) => list[0]?.connection !== undefined && list[0].connection !== '')
  expect(follower.list).toMatchObject([
    { isPending: true, method: 'GET', path: '/slow', status: 0, receivedBytes: -1, protocol: 'h2' },
  ])
  const { id } = follower.list[0]!
  answer()
  await (await response).text()
  await follower.until(completed(1))
  expect(follower.list).toMatchObject([{ id, isPending: false, status: 200, receivedBytes: 5, because: 'first-connection' }])
})

it('shows the requests of one client, or of all of the process', async () => {
  const one = mockClient(() => ({})).client
  const other = mockClient(() => ({})).client
  const ofOne = await follow(one)
  const ofAll = await follow()
  await (await one.get('https://a.example/one')).text()
  await (await other.get('https://a.example/other')).text()
  await (await one.get('https://a.example/last')).text()
  await Promise.all([ofOne.follower.until(completed(2)), ofAll.follower.until(completed(3))])
  expect(ofOne.follower.list.map(({ path }) => path)).toEqual(['/one', '/last'])
  expect(ofAll.follower.list.map(({ path }) => path)).toEqual(['/one', '/other', '/last'])
})

it('a page that is opened later gets the requests before it', async () => {
  const { client } = mockClient(() => ({}))
  const inspection = await inspect(client)
  ends.push(() => inspection.close())
  await (await client.get('https://a.example/early')).text()
  const follower = new Follower(inspection.url)
  ends.push(() => follower.close())
  await follower.until(completed(1))
  expect(follower.updates).toMatchObject([{ isSnapshot: true, entries: [{ path: '/early' }] }])
})

it('a request that fails is shown with its error', async () => {
  const client = environment.client()
  const { follower } = await follow(client)
  await client.get('https://unknown.test.example/').catch(() => undefined)
  await follower.until(completed(1))
  expect(follower.list).toMatchObject([{ status: 0, connection: '', error: expect.stringMatching(/^ENOTFOUND: /) }])
})

it('has no secrets and no bodies', async () => {
  const { client } = mockClient(() => ({ body: 'SECRET', headers: { 'set-cookie': 'id=SECRET', 'x-key': 'SECRET' } }))
  const { follower } = await follow(client, { redact: { fields: ['x-key'], query: ['token'] } })
  const headers = { authorization: 'Bearer SECRET', cookie: 'id=SECRET', 'X-Key': 'SECRET' }
  await (await client.post('https://a.example/?token=SECRET&page=1', { headers, body: 'SECRET' })).text()
  await follower.until(completed(1))
  const text = JSON.stringify(follower.updates)
  expect(text).not.toContain('SECRET')
  expect(text).toContain('token=redacted&page=1')
})

it('keeps the last requests, in the server and in the page', async () => {
  const { client } = mockClient(() => ({}))
  const { inspection, follower } = await follow(client, { maxEntries: 5 })
  for (let i = 1; i <= 20; i++) await (await client.get(`https://a.example/${i}`)).text()
  await follower.until(({ list }) => list.length === 5 && list.at(-1)!.path === '/20' && !list.at(-1)!.isPending)
  expect(follower.list.map(({ path }) => path)).toEqual(['/16', '/17', '/18', '/19', '/20'])
  expect(follower.updates.at(-1)!.droppedTotal).toBe(15)
  const late = new Follower(inspection.url)
  ends.push(() => late.close())
  await late.until(completed(5))
  expect(late.list.map(({ path }) => path)).toEqual(['/16', '/17', '/18', '/19', '/20'])
})

it('with more requests in flight than it shows, the oldest are dropped', async () => {
  const answers: ((answer: object) => void)[] = []
  const { client } = mockClient(() => new Promise<object>((resolve) => answers.push(resolve)))
  const { follower } = await follow(client, { maxEntries: 2 } satisfies InspectOptions)
  const responses = [1, 2, 3].map((i) => client.get(`https://a.example/${i}`))
  await follower.until(({ list }) => list.length === 2 && list.at(-1)!.path === '/3')
  expect(follower.list.map(({ path, isPending }) => [path, isPending])).toEqual([
    ['/2', true],
    ['/3', true],
  ])
  while (answers.length < 3) await new Promise(setImmediate)
  for (const answer of answers) answer({})
  await Promise.all(responses.map(async (response) => (await response).text()))
  await follower.until(completed(2))
  expect(follower.list.map(({ path }) => path)).toEqual(['/2', '/3'])
})

describe('a page that does not read', () => {
  /** A response whose writes are full until the test says so. */
  class SlowResponse extends EventEmitter {
    readonly writes: string[] = []
    isFull = false
    write(text: string): boolean {
      this.writes.push(text)
      return !this.isFull
    }
    end(text: string): void {
      this.writes.push(text)
    }
  }

  const settings = { redaction: new Redaction([], []), maxBodyBytes: 0 }

  async function slowPage(): Promise<{ response: SlowResponse; get(path: string): Promise<void>; entries: LiveEntries }> {
    const { client } = mockClient(() => ({}))
    const entries: LiveEntries = new LiveEntries(client.stats().id, settings, 3, () => flush())
    const subscribers = new Subscribers(entries, 0)
    const flush = (): void => subscribers.schedule()
    ends.push(
      () => entries.stop(),
      () => subscribers.end(),
    )
    const response = new SlowResponse()
    subscribers.add(response as unknown as ServerResponse)
    const get = async (path: string): Promise<void> => {
      await (await client.get(`https://a.example${path}`)).text()
      // The timer of the updates.
      await new Promise((resolve) => setTimeout(resolve))
      await new Promise(setImmediate)
    }
    return { response, get, entries }
  }

  it('has at most one update in its buffer, and gets all entries again once it reads', async () => {
    const { response, get } = await slowPage()
    response.isFull = true
    await get('/first')
    const { length } = response.writes
    for (let i = 0; i < 50; i++) await get(`/${i}`)
    expect(response.writes).toHaveLength(length)
    response.isFull = false
    response.emit('drain')
    expect(response.writes).toHaveLength(length + 1)
    const update = JSON.parse(/data: (.*)/.exec(response.writes.at(-1)!)![1]!) as {
      isSnapshot: boolean
      entries: { path: string }[]
    }
    expect([update.isSnapshot, update.entries.map(({ path }) => path)]).toEqual([true, ['/47', '/48', '/49']])
    await get('/later')
    expect(response.writes.at(-1)).toContain('"isSnapshot":false')
    // An update that fills the buffer, after which nothing was missed.
    const { length: before } = response.writes
    response.emit('drain')
    response.isFull = true
    await get('/full')
    response.emit('drain')
    expect(response.writes.slice(before).filter((text) => text.includes('"isSnapshot":true'))).toEqual([])
  })

  it('that is closed ends the collection of changes', async () => {
    const { response, get, entries } = await slowPage()
    expect(entries.isFollowed).toBe(true)
    response.emit('close')
    expect(entries.isFollowed).toBe(false)
    await get('/unseen')
    expect(entries.takeChanges()).toEqual({ entries: [], dropped: [] })
    expect(entries.snapshot()).toHaveLength(1)
  })
})
