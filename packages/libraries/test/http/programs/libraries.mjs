/**
 * Libraries that make requests with `node:http`, over our connections. Each returns `send(url, options)`, which resolves with the status,
 * the content and the final URL, and rejects as the library does.
 */

import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** Libraries that take a function or a module in place of `http.request`. */
export const byRequest = {
  got: async ({ request }) => gotWith((await import('got')).default, { request }),
  'got-14': async ({ request }) => gotWith((await import('got-14')).got, { request }),
  'got-11': async ({ request }) => gotWith(require('got-11'), { request }),
  axios: async (http) => axiosWith(require('axios'), { transport: following(http) }),
  'axios-0': async (http) => axiosWith(require('axios-0'), { transport: following(http) }),
  'follow-redirects': async (http) => nativeWith(following(http).request),
}

/** Libraries that take an agent. */
export const byAgent = {
  got: async (agent) => gotWith((await import('got')).default, { agent: { https: agent } }),
  axios: async (agent) => axiosWith(require('axios'), { httpsAgent: agent }),
  superagent: async (agent) => superagentWith(require('superagent'), agent),
  'superagent-8': async (agent) => superagentWith(require('superagent-8'), agent),
  'node-fetch': async (agent) => fetchWith((await import('node-fetch')).default, agent),
  'node-fetch-2': async (agent) => fetchWith(require('node-fetch-2'), agent),
  request: async (agent) => requestWith(require('request').defaults({ agent })),
  needle: async (agent) => needleWith(require('needle'), agent),
  'follow-redirects': async (agent) => {
    const { request } = require('follow-redirects').https
    return nativeWith((url, options, callback) => request(url, { ...options, agent }, callback))
  },
}

/** follow-redirects over our functions: axios leaves redirects to its transport. */
const following = (http) => require('follow-redirects').wrap({ http, https: http }).https

function gotWith(got, options) {
  const client = got.extend({ ...options, retry: { limit: 0 }, throwHttpErrors: false })
  return async (url, { method = 'GET', body, signal, headers } = {}) => {
    const promise = client(url, { method, body, headers, ...(signal === undefined ? undefined : { signal }) })
    // The oldest version has no signal.
    if (signal !== undefined && promise.cancel !== undefined) signal.addEventListener('abort', () => promise.cancel())
    const response = await promise
    return { status: response.statusCode, text: response.body, url: String(response.url) }
  }
}

function axiosWith(axios, options) {
  const client = (axios.default ?? axios).create({ adapter: 'http', ...options, validateStatus: null, responseType: 'text' })
  if (typeof client.defaults.adapter === 'string' && axios.VERSION?.startsWith('0.')) delete client.defaults.adapter
  return async (url, { method = 'GET', body, signal, headers } = {}) => {
    const response = await client({ url, method, data: body, signal, headers })
    return { status: response.status, text: String(response.data), url: response.request.res?.responseUrl ?? url }
  }
}

function superagentWith(superagent, agent) {
  return async (url, { method = 'GET', body, signal, headers = {} } = {}) => {
    const call = superagent(method, url)
      .agent(agent)
      .set(headers)
      .buffer(true)
      .ok(() => true)
    if (body !== undefined) call.type('text/plain').send(typeof body === 'string' ? body : String(body))
    return new Promise((resolve, reject) => {
      call.on('abort', () => reject(new Error('aborted')))
      // With braces: a call is a thenable, which must not be returned.
      signal?.addEventListener('abort', () => {
        call.abort()
      })
      call.end((error, response) => {
        if (error) reject(error)
        else resolve({ status: response.status, text: response.text, url: response.redirects.at(-1) ?? url })
      })
    })
  }
}

function fetchWith(fetch, agent) {
  return async (url, { method = 'GET', body, signal, headers } = {}) => {
    const response = await fetch(url, { method, body, signal, headers, agent })
    return { status: response.status, text: await response.text(), url: response.url }
  }
}

function requestWith(request) {
  return (url, { method = 'GET', body, signal, headers } = {}) =>
    new Promise((resolve, reject) => {
      const call = request({ url, method, body, headers }, (error, response, text) =>
        error ? reject(error) : resolve({ status: response.statusCode, text, url: response.request.uri.href }),
      )
      signal?.addEventListener('abort', () => {
        call.abort()
        reject(new Error('aborted'))
      })
    })
}

function needleWith(needle, agent) {
  return async (url, { method = 'GET', body, signal, headers } = {}) => {
    const response = await needle(method.toLowerCase(), url, body ?? null, {
      ...{ agent, headers, signal, follow_max: 5, parse_response: false, open_timeout: 0 },
    })
    return { status: response.statusCode, text: String(response.body), url }
  }
}

function nativeWith(request) {
  return (url, { method = 'GET', body, signal, headers } = {}) =>
    new Promise((resolve, reject) => {
      const call = request(url, { method, headers, signal }, (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (part) => (text += part))
        response.on('error', reject)
        response.on('end', () => resolve({ status: response.statusCode, text, url: response.responseUrl ?? url }))
      })
      call.on('error', reject)
      call.end(body)
    })
}
