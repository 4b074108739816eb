/** Checks of the SDK of Stripe: `stripe.mjs stripe|stripe-14`. */

import { run } from './harness.mjs'
import { lengthOf } from './shared-checks.mjs'

const [name] = process.argv.slice(2)
const { default: Stripe } = await import(name)

function open({ fetch, origin, ...options }) {
  const { hostname: host, port } = new URL(origin)
  // Files have a host of their own.
  const redirected = (url, init) => fetch(String(url).replace('//files.stripe.com', `//${host}`), init)
  const httpClient = Stripe.createFetchHttpClient(redirected)
  return new Stripe('sk_test_1', {
    host,
    port,
    protocol: 'https',
    httpClient,
    telemetry: false,
    maxNetworkRetries: 0,
    ...options,
  })
}

function checks({ fetch, origin, none }) {
  const stripe = open({ fetch, origin })
  const retrying = open({ fetch, origin, maxNetworkRetries: 1 })
  return {
    create: async () => {
      const customer = await stripe.customers.create({ name: 'Über & Co', metadata: { a: '1' } })
      return [customer.name, customer.lastResponse.statusCode, customer.lastResponse.requestId]
    },
    list: async () => {
      const ids = []
      for await (const { id } of stripe.customers.list({ limit: 2 })) ids.push(id)
      return ids
    },
    upload: async () => {
      const data = Buffer.from('unsharded '.repeat(50_000))
      return (await stripe.files.create({ purpose: 'dispute_evidence', file: { data, name: 'data.txt', type: 'text/plain' } })).id
    },
    stream: async () => lengthOf(await stripe.quotes.pdf('q1')),
    declined: () => stripe.charges.create({ amount: 1, currency: 'eur', source: 'declined' }),
    missing: () => stripe.customers.retrieve('missing'),
    notJson: () => stripe.customers.retrieve('text'),
    failedOnce: async () => (await retrying.customers.retrieve('failing')).id,
    limitedOnce: async () => (await retrying.customers.retrieve('limited')).id,
    timeout: () => open({ fetch, origin, timeout: 50 }).customers.retrieve('silent'),
    cut: () => stripe.customers.retrieve('cut'),
    detail: () =>
      open({ fetch, origin: none })
        .customers.retrieve('c1')
        .catch(({ detail }) => detail.cause?.code),
    refused: () => open({ fetch, origin: none }).customers.retrieve('c1'),
  }
}

await run({ checks, host: async ({ fetch, origin }) => (await open({ fetch, origin }).customers.retrieve('c1')).id })
