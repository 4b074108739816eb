// Reads server-sent events, resumes after a lost connection, and stops after two.
import { streamEvents } from 'unshard/events'

let count = 0
for await (const { id, data } of streamEvents('https://api.example.com/events')) {
  console.log(id, JSON.parse(data).title)
  if (++count === 2) break // ends the response; the connection stays open
}
// → 0 page 0
// → 1 page 1
