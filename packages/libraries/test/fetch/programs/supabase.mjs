/** Checks of the client of Supabase: `supabase.mjs @supabase/supabase-js|@supabase/supabase-js-2.39`. It returns errors; they are thrown here. */

import { run, watched } from './harness.mjs'
import { aborted } from './shared-checks.mjs'

const [name] = process.argv.slice(2)
const { createClient } = await import(name)

const auth = { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false }
const open = ({ fetch, origin }) => createClient(origin, 'key', { auth, global: { fetch } })

async function dataOf(promise) {
  const { data, error } = await promise
  if (error === null) return data
  // Over HTTP/1.1 some errors have the server's status text.
  const shown = new Error(error.message)
  shown.name = error.name ?? 'PostgrestError'
  shown.status = error.status ?? error.context?.status
  shown.code = error.code
  throw shown
}

function checks({ fetch, origin, none }) {
  const supabase = open({ fetch, origin })
  const files = supabase.storage.from('files')
  const large = Buffer.from('unsharded '.repeat(50_000))
  return {
    select: () => dataOf(supabase.from('users').select('name').eq('id', 1).order('name')),
    count: async () => (await supabase.from('users').select('*', { count: 'exact', head: true })).count,
    insert: () => dataOf(supabase.from('users').insert({ name: 'Über' }).select()),
    rpc: () => dataOf(supabase.rpc('add', { a: 1, b: 2 })),
    // The old version repeats nothing.
    ...(name === '@supabase/supabase-js' && { failedOnce: () => dataOf(supabase.from('failing').select()) }),
    single: () => dataOf(supabase.from('users').select().single()),
    queryError: () => dataOf(supabase.from('wrong').select()),
    upload: async () => (await dataOf(files.upload('data.txt', large, { contentType: 'text/plain' }))).path,
    uploadBlob: async () => (await dataOf(files.upload('blob.txt', new Blob([large]), { upsert: true }))).path,
    download: async () => (await dataOf(files.download('data.txt'))).size,
    storageError: () => dataOf(files.download('missing')),
    invoke: () => dataOf(supabase.functions.invoke('hello', { body: { name: 'Ada' } })),
    invokeError: () => dataOf(supabase.functions.invoke('fail')),
    signIn: async () =>
      (await dataOf(open({ fetch, origin }).auth.signInWithPassword({ email: 'a@b.example', password: 'right' }))).user.id,
    signInError: () => dataOf(supabase.auth.signInWithPassword({ email: 'a@b.example', password: 'wrong' })),
    abortWhileWaiting: () => aborted((signal) => dataOf(supabase.from('silent').select().abortSignal(signal))),
    abortBody: () => {
      const controller = new AbortController()
      const slow = open({ fetch: watched(fetch, () => controller.abort()), origin })
      return dataOf(slow.from('headers').select().abortSignal(controller.signal))
    },
    // It repeats reads after 1, 2 and 4 s.
    refused: () => dataOf(open({ fetch, origin: none }).from('users').insert({})),
    refusedFunction: () => dataOf(open({ fetch, origin: none }).functions.invoke('hello')),
  }
}

const host = async ({ fetch, origin }) => (await dataOf(open({ fetch, origin }).from('users').select('name')))[0].name
await run({ checks, host })
