/** The examples of docs/guides/server-sent-events.md run as they stand. */

import { docsStage } from './stage.js'

const stage = docsStage('docs/guides/server-sent-events.md', (request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (let i = 0; i < 500; i++) response.write(`id: ${request.url}#${i}\ndata: {"title":"page ${i}"}\n\n`)
})

it.each<[string, number, RegExp]>([
  ['an iteration over events', 0, /^message \/v2\/stream\/recentchange#0 page 0\n/],
  ['the events of a response', 1, /^page 0\n$/],
  ['EventSource', 2, /^page 0\n$/],
  ['parts', 3, /^text\/plain first\nundefined second\n$/],
])('%s', async (_title, at, printed) => {
  expect(await stage.play(stage.examples[at]!)).toMatch(printed)
})

it('every example of the page is tested', () => {
  expect(stage.examples).toHaveLength(4)
})
