/** Our `fetch` has the type that each library wants, without a cast. Compiled with the tests, and never run. */

import { createOpenAI } from '@ai-sdk/openai'
import Anthropic from '@anthropic-ai/sdk'
import { HttpLink } from '@apollo/client'
import { createConnectTransport } from '@connectrpc/connect-web'
import { Client as Elastic } from '@elastic/elasticsearch'
import { SSEClientTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StreamableHTTPClientTransport as OldTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { Octokit } from '@octokit/core'
import { WebClient } from '@slack/web-api'
import { createClient as createSupabase } from '@supabase/supabase-js'
import { Client as Urql } from '@urql/core'
import axios from 'axios'
import { EventSource } from 'eventsource'
import { Gaxios } from 'gaxios'
import { GraphQLClient } from 'graphql-request'
import { hc } from 'hono/client'
import ky from 'ky'
import { createFetch as createOfetch } from 'ofetch'
import OpenAI from 'openai'
import Stripe from 'stripe'
import { createClient, createFetch, Dispatcher } from 'unshard'

const client = createClient()
const fetch = createFetch(client)
const url = 'https://a.test.example'

/** Each library with our `fetch`. */
export const clients = (): unknown[] => [
  new OpenAI({ apiKey: '', fetch, fetchOptions: { dispatcher: new Dispatcher({ client }) } }),
  new Anthropic({ apiKey: '', fetch }),
  createOpenAI({ fetch }),
  new StreamableHTTPClientTransport(new URL(url), { fetch }),
  new SSEClientTransport(new URL(url), { fetch }),
  new OldTransport(new URL(url), { fetch }),
  new Octokit({ request: { fetch } }),
  new Stripe('', { httpClient: Stripe.createFetchHttpClient(fetch) }),
  createSupabase(url, '', { global: { fetch } }),
  new HttpLink({ uri: url, fetch }),
  new Urql({ url, fetch, exchanges: [], preferGetMethod: false }),
  new GraphQLClient(url, { fetch }),
  new WebClient('', { fetch }),
  new Elastic({ node: url, agent: () => new Dispatcher({ client }) }),
  new Gaxios({ fetchImplementation: fetch }),
  ky.create({ fetch }),
  createOfetch({ fetch }),
  axios.create({ adapter: 'fetch', env: { fetch } }),
  new EventSource(url, { fetch }),
  createConnectTransport({ baseUrl: url, fetch }),
  hc(url, { fetch }),
]
