/** Sentry, with the settings of its own guide: its integration for Node's fetch traces the requests. */

import * as Sentry from '@sentry/node'

const spans = []
function keep({ contexts: { trace }, transaction, spans: children }) {
  spans.push({ name: transaction, id: trace.span_id })
  for (const { description, span_id, parent_span_id, status, data } of children) {
    const httpStatus = data['http.response.status_code']
    spans.push({
      name: description,
      id: span_id,
      parent: parent_span_id,
      url: data['url.full'] ?? data.url,
      httpStatus,
      isError: status !== 'ok' && status !== undefined && status !== 'cancelled',
    })
  }
  return null
}

Sentry.init({
  dsn: 'http://public@127.0.0.1:9/1',
  tracesSampleRate: 1,
  traceLifecycle: 'static',
  tracePropagationTargets: [/./],
  beforeSendTransaction: keep,
})
// Sentry must be initialized before the client is loaded.
const { sendRequests } = await import('./requests.mjs')
await sendRequests((name, call) => Sentry.startSpan({ name, forceTransaction: true }, call))
await Sentry.flush(5_000)
console.log(`\n${JSON.stringify(spans)}`)
process.exit(0)
