/** The client of Supabase over our `fetch`: the newest version, and an older one. */

import { testWorld } from '@unshard/testkit'
import { casesOf, runFamily, TIMEOUT_MS } from './fixture.js'
import { UPLOAD } from './servers/answers.js'
import { supabaseServer } from './servers/supabase.js'

const world = testWorld()

const COMMON = {
  select: [{ name: 'Ada' }],
  count: 25,
  insert: [{ name: 'Über' }],
  rpc: 3,
  single: { error: 'PostgrestError PGRST116: several rows' },
  queryError: { error: 'PostgrestError 42P01: no such table' },
  upload: 'data.txt',
  uploadBlob: 'blob.txt',
  download: UPLOAD.length,
  storageError: { error: 'StorageApiError 404: Object not found' },
  invoke: { message: 'Hello, Ada' },
  invokeError: { error: 'FunctionsHttpError 500: Edge Function returned a non-2xx status code' },
  signIn: 'u1',
  signInError: { error: expect.stringMatching(/^AuthApiError 400(?: invalid_credentials)?: Invalid login credentials$/) },
  abortWhileWaiting: { error: expect.stringMatching(/^PostgrestError(?: 20)?: AbortError: This operation was aborted/) },
  abortBody: { error: expect.stringMatching(/^PostgrestError(?: 20)?: AbortError: This operation was aborted/) },
  refused: { error: 'PostgrestError: TypeError: fetch failed' },
  refusedFunction: { error: 'FunctionsFetchError: Failed to send a request to the Edge Function' },
}
const EXPECTED: Readonly<Record<string, object>> = {
  '@supabase/supabase-js': { ...COMMON, failedOnce: [{ name: 'Ada' }] },
  '@supabase/supabase-js-2.39': COMMON,
}

it.each(casesOf(Object.keys(EXPECTED), ['@supabase/supabase-js']))(
  '$name works over our fetch, on Node.js $major',
  async (each) => {
    expect(await runFamily(world, 'supabase', each, supabaseServer())).toEqual(EXPECTED[each.name])
  },
  TIMEOUT_MS,
)
