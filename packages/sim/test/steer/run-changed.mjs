/**
 * Runs changed scripts of small worlds in a process of its own, as a program: prints one line of JSON
 * for each. The last one is run as the command does it, and written to the file that is given.
 */

import { writeFileSync } from 'node:fs'

const dist = new URL('../../dist/', import.meta.url)
const load = (path) => import(new URL(path, dist).href)

const [{ warmUp }, { simulate }] = [await load('run/warm-up.js'), await load('run/simulate.js')]
const { emptySummary, runWorld } = await load('run/batch.js')
const [{ drawWorld }, { mutate }] = [await load('draw/worlds.js'), await load('steer/mutate.js')]
const { Random } = await load('kernel/random.js')

const REQUESTS = 15
const [file, changes] = [process.argv[2], Number(process.argv[3])]

/** A world with few requests. */
function small(script) {
  return { ...script, requests: script.requests.slice(0, REQUESTS) }
}

await warmUp()
const drawn = ['network', 'ill', 'mixed', 'proxies', 'routers'].map((name, index) => small(drawWorld(index + 1, name)))
for (let change = 0; change < changes; change++) {
  const random = new Random(1, `change ${change}`)
  const script = small(mutate(random, random.pick(drawn), random.pick(drawn)))
  const { requests, findings, hash } = await simulate(script)
  console.log(JSON.stringify({ requests, findings, hash }))
  if (change < changes - 1) continue
  const summary = emptySummary()
  await runWorld(script, summary)
  console.log(JSON.stringify({ requests, findings, hash: summary.hash }))
  writeFileSync(file, JSON.stringify(script))
}
