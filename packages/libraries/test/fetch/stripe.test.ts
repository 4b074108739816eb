/** The SDK of Stripe over our `fetch`: the newest version, and an older one. */

import { testWorld } from '@unshard/testkit'
import { casesOf, runFamily, TIMEOUT_MS } from './fixture.js'
import { digest, UPLOAD } from './servers/answers.js'
import { stripeServer } from './servers/stripe.js'

const world = testWorld()

const COMMON = {
  list: ['c1', 'c2', 'c3'],
  upload: `dispute_evidence data.txt ${digest(UPLOAD)}`,
  stream: UPLOAD.length,
  declined: { error: 'StripeCardError 402 card_declined: Your card was declined.' },
  missing: { error: 'StripeInvalidRequestError 404: No such customer' },
  notJson: { error: 'StripeAPIError: Invalid JSON received from the Stripe API' },
  failedOnce: 'failing',
  limitedOnce: 'limited',
  timeout: { error: 'StripeConnectionError: Request aborted due to timeout being reached (50ms)' },
  detail: 'ECONNREFUSED',
  refused: { error: 'StripeConnectionError: An error occurred with our connection to Stripe.' },
}
const EXPECTED: Readonly<Record<string, object>> = {
  stripe: {
    ...COMMON,
    create: ['Über & Co', 200, 'r1'],
    cut: { error: 'StripeConnectionError: An error occurred with our connection to Stripe.' },
  },
  'stripe-14': {
    ...COMMON,
    create: ['Über & Co', null, 'r1'],
    cut: { error: 'StripeAPIError: Invalid JSON received from the Stripe API' },
  },
}

it.each(casesOf(Object.keys(EXPECTED)))(
  '$name works over our fetch, on Node.js $major',
  async (each) => {
    expect(await runFamily(world, 'stripe', each, stripeServer())).toEqual(EXPECTED[each.name])
  },
  TIMEOUT_MS,
)
