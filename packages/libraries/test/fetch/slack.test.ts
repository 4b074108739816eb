/** The client of Slack over our `fetch`, and the older one, over axios, over our agent. */

import { testWorld } from '@unshard/testkit'
import { casesOf, runFamily, TIMEOUT_MS } from './fixture.js'
import { digest, UPLOAD } from './servers/answers.js'
import { slackServer } from './servers/slack.js'

const world = testWorld()

const COMMON = {
  post: [true, 'Über & co'],
  pages: ['C1', 'C2'],
  upload: `Untitled ${digest(UPLOAD)}`,
  failedOnce: true,
  rateLimitedOnce: true,
}
const LIMITED = 'A rate-limit has been reached, you may retry this request in 30 seconds'
const EXPECTED: Readonly<Record<string, object>> = {
  '@slack/web-api': {
    ...COMMON,
    apiError: { error: 'WebAPIPlatformError slack_webapi_platform_error: An API error occurred: channel_not_found' },
    status: { error: 'WebAPIHTTPError 503 slack_webapi_http_error: An HTTP protocol error occurred: statusCode = 503' },
    rejected: { error: `WebAPIRateLimitedError slack_webapi_rate_limited_error: ${LIMITED}` },
    timeout: { error: expect.stringMatching(/^WebAPIRequestError slack_webapi_request_error: .*due to timeout$/) },
    refused: { error: 'WebAPIRequestError slack_webapi_request_error: A request error occurred: fetch failed' },
  },
  '@slack/web-api-7': {
    ...COMMON,
    apiError: { error: 'Error slack_webapi_platform_error: An API error occurred: channel_not_found' },
    status: { error: 'Error 503 slack_webapi_http_error: An HTTP protocol error occurred: statusCode = 503' },
    rejected: { error: `Error slack_webapi_rate_limited_error: ${LIMITED}` },
    timeout: { error: 'Error slack_webapi_request_error: A request error occurred: timeout of 50ms exceeded' },
    refused: { error: expect.stringMatching(/^Error slack_webapi_request_error: .*connect ECONNREFUSED/) },
  },
}

it.each(casesOf(Object.keys(EXPECTED)))(
  '$name works over our connections, on Node.js $major',
  async (each) => {
    // The message of the older one is our own.
    expect(await runFamily(world, 'slack', each, slackServer(), ['refused'])).toEqual(EXPECTED[each.name])
  },
  TIMEOUT_MS,
)
