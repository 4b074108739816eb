/** `json()` and `readJson()`: values, types and errors, with two libraries that implement Standard Schema. */

import type { HttpResponse } from '@unshard/core'
import { ResponseError } from '@unshard/core'
import * as valibot from 'valibot'
import { z } from 'zod'
import { json, readJson, SchemaError, type StandardSchema } from '../../src/interceptors/index.js'
import { testEnvironment } from '../environment.js'
import { counted, URL_ } from './fixture.js'

const environment = testEnvironment()
const zod = z.object({ message: z.string(), list: z.array(z.number()) })
const libraries: [string, StandardSchema<{ message: string; list: number[] }>][] = [
  ['zod', zod],
  ['valibot', valibot.object({ message: valibot.string(), list: valibot.array(valibot.number()) })],
]

describe.each(libraries)('with %s', (_library, schema) => {
  it('readJson() resolves with the value, for a response of the client and of fetch', async () => {
    const { port } = await environment.server()
    const url = `https://a.test.example:${port}/json`
    for (const response of [await environment.client().request({ url }), await environment.fetch()(url)]) {
      const value = await readJson(response, schema)
      const numbers: number[] = value.list
      expect([value.message, numbers]).toEqual(['hello', [1, 2, 3]])
    }
  })

  it('json() passes on the value', async () => {
    const { client } = counted([json(schema)], () => ({
      json: { message: 'm', list: [1], unknown: true },
      headers: { etag: '"1"' },
    }))
    const response = await client.request({ url: URL_ })
    expect([response.headers.get('content-length'), response.headers.get('etag')]).toEqual([undefined, '"1"'])
    expect(await response.json()).toEqual({ message: 'm', list: [1] })
  })

  it.each<[string, (response: (body: string) => Promise<HttpResponse>) => Promise<unknown>]>([
    ['json()', async () => counted([json(schema)], () => ({ body: '{"message":5}' })).client.request({ url: `${URL_}?token=x` })],
    ['readJson()', async (response) => readJson(await response('{"message":5}'), schema)],
  ])('%s rejects for a value that does not match', async (_name, read) => {
    const response = (body: string) => counted([], () => ({ body })).client.request({ url: URL_ })
    const error = await read(response).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(SchemaError)
    expect(error).toBeInstanceOf(ResponseError)
    const { code, issues, message, processed } = error as SchemaError
    expect([code, processed, issues.length > 0]).toEqual(['ERR_SCHEMA', 'yes', true])
    expect(message).toContain('does not match its schema: message: ')
    expect(message).not.toContain('token')
  })
})

it('the value is what the schema returns, also after a promise', async () => {
  const schema = z.object({ at: z.iso.datetime().transform(async (text) => new Date(text)) })
  const answer = () => ({ json: { at: '2026-01-02T03:04:05Z' } })
  const value = await readJson(await counted([], answer).client.request({ url: URL_ }), schema)
  const at: Date = value.at
  expect(at.getUTCFullYear()).toBe(2026)
  const response = await counted([json(schema)], answer).client.request({ url: URL_ })
  expect(await response.json()).toEqual({ at: '2026-01-02T03:04:05.000Z' })
})

it('a value without JSON is null', async () => {
  const response = await counted([json(z.undefined().or(z.any().transform(() => undefined)))], () => ({
    json: 1,
  })).client.request({
    url: URL_,
  })
  expect(await response.json()).toBeNull()
})

it.each<[number, string]>([
  [404, 'GET'],
  [204, 'GET'],
  [200, 'HEAD'],
])('json() passes on a response with status %i to a %s', async (status, method) => {
  const { client } = counted([json(zod)], () => ({ status, ...(status === 404 && { body: 'not json' }) }))
  const response = await client.request({ url: URL_, method })
  expect([response.status, await response.text()]).toEqual([status, status === 404 ? 'not json' : ''])
})

it('json() asks for content that is not compressed, and fetch gets the value', async () => {
  let asked: string | undefined
  const { port } = await environment.server({
    handler: (request, response) => {
      asked = request.headers['accept-encoding'] as string
      response.end('{"message":"m","list":[]}')
    },
  })
  const fetch = environment.fetch({ interceptors: [json(zod)] })
  expect(await (await fetch(`https://a.test.example:${port}/`)).json()).toEqual({ message: 'm', list: [] })
  expect(asked).toBe('identity')
})

it.each<[string, (response: HttpResponse) => Promise<unknown>]>([
  ['text that is not JSON', (response) => readJson(response, zod)],
  ['a content that was read', async (response) => response.text().then(() => readJson(response, zod))],
])('%s rejects with the error of the response', async (what, read) => {
  const response = await counted([], () => ({ body: 'text' })).client.request({ url: URL_ })
  await expect(read(response)).rejects.toMatchObject({ code: what.startsWith('text') ? 'ERR_INVALID_JSON' : 'ERR_BODY_USED' })
})

it('an abort while the schema works rejects at once', async () => {
  const controller = new AbortController()
  const slow: StandardSchema = { '~standard': { version: 1, validate: () => new Promise(() => undefined) } }
  const response = counted([json(slow)], () => ({ json: 1 })).client.request({ url: URL_, signal: controller.signal })
  response.catch(() => undefined)
  await new Promise(setImmediate)
  controller.abort(new Error('left'))
  await expect(response).rejects.toThrow('left')
})

it('the message has at most three issues, and no control characters', async () => {
  const issues = [1, 2, 3, 4].map((key) => ({ message: `issue\n${key}`, path: [{ key: 'list' }, key] }))
  const schema: StandardSchema = { '~standard': { version: 1, validate: () => ({ issues }) } }
  const error = await counted([json(schema)], () => ({ json: 1 }))
    .client.request({ url: URL_ })
    .catch((reason: Error) => reason)
  expect((error as Error).message).toBe(
    '"https://a.test.example/path" does not match its schema: list.1: issue 1; list.2: issue 2; list.3: issue 3; … 4 in all',
  )
})

it.each([undefined, {}, { parse: () => 1 }])('refuses %j', async (schema) => {
  expect(() => json(schema as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
  const response = await counted([], () => ({ json: 1 })).client.request({ url: URL_ })
  await expect(readJson(response, schema as never)).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' })
  await expect(readJson({} as never, zod)).rejects.toMatchObject({ code: 'ERR_INVALID_BODY' })
})
