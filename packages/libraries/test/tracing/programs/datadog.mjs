/** Datadog: `dd-trace`, initialized first, as its guide says. Its exporter `log` prints traces. */

const { default: tracer } = await import(process.argv[2])
const spans = []
const write = process.stdout.write.bind(process.stdout)
process.stdout.write = (text, ...rest) => {
  if (!String(text).startsWith('{"traces"')) return write(text, ...rest)
  for (const { span_id, parent_id, name, error, meta, resource } of JSON.parse(text).traces.flat()) {
    const url = meta['http.url']
    spans.push({
      name: url === undefined ? resource : name,
      id: span_id,
      parent: parent_id,
      url,
      httpStatus: meta['http.status_code'] && Number(meta['http.status_code']),
      isError: error === 1,
    })
  }
  return true
}
tracer.init({ experimental: { exporter: 'log' }, startupLogs: false, sampleRate: 1 })
const { sendRequests } = await import('./requests.mjs')
await sendRequests((name, call) => tracer.trace('caller', { resource: name }, call))
process.stdout.write = write
console.log(`\n${JSON.stringify(spans)}`)
process.exit(0)
