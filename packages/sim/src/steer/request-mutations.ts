/** Changes of what callers ask for, and when. */

import { type CallerKind, drawCaller, KINDS } from '../draw/load.js'
import type { Random } from '../kernel/random.js'
import { neededMs, type RequestScript, type WorldScript } from '../script/script.js'
import { topologyOf } from './topology-of.js'

/** Requests from which on callers are not added: one world must not take too long. */
const MANY_REQUESTS = 800
/** Least time that requests of a world are spread over. */
const LEAST_SPAN_MS = 5_000
/** Requests that are moved to one time. */
const GATHERED = 40

type Change = (request: RequestScript) => RequestScript

function changeRequests(script: WorldScript, change: Change): WorldScript {
  return { ...script, requests: script.requests.map(change) }
}

/** Moves all requests closer together, and faults with them. */
export function squeeze(random: Random, script: WorldScript): WorldScript {
  const span = script.requests.reduce((last, { at }) => Math.max(last, at), 0)
  const factor = Math.min(random.log(2, 30), span / LEAST_SPAN_MS)
  if (factor <= 1) return script
  const faults = script.faults.map((fault) => {
    const at = Math.round(fault.at / factor)
    return { ...fault, at, until: at + fault.until - fault.at }
  })
  return { ...changeRequests(script, (request) => ({ ...request, at: Math.round(request.at / factor) })), faults }
}

/** Moves some requests to the time around a fault, or around another request. */
export function gather(random: Random, script: WorldScript): WorldScript {
  const { requests, faults } = script
  const fault = faults.length > 0 && random.chance(0.7) ? random.pick(faults) : undefined
  const around = random.pick(requests).at
  const middle = fault === undefined ? around : random.chance(0.3) ? fault.until : fault.at
  const widthMs = random.log(1, 10_000)
  const part = Math.min(0.5, GATHERED / requests.length)
  return changeRequests(script, (request) =>
    random.chance(part) ? { ...request, at: Math.max(0, middle + random.int(-widthMs, widthMs)) } : request,
  )
}

/** Leaves out a part of the requests. */
export function thin(random: Random, script: WorldScript): WorldScript {
  const part = random.pick([0.2, 0.5, 0.8])
  const left = script.requests.filter(() => random.chance(part))
  return left.length === 0 ? script : { ...script, requests: left }
}

/** Adds a caller of any kind. */
export function addCaller(random: Random, script: WorldScript): WorldScript {
  const { requests } = script
  if (requests.length >= MANY_REQUESTS) return thin(random, script)
  const span = requests.reduce((last, { at }) => Math.max(last, at), LEAST_SPAN_MS)
  const kind = random.pick(Object.keys(KINDS) as CallerKind[])
  const added = drawCaller(random, random.pick(topologyOf(script).groups), kind, span)
  return { ...script, requests: [...requests, ...added.slice(0, MANY_REQUESTS).map((each) => ({ id: 0, ...each }))] }
}

/** Requests that hold one of six connections over HTTP/1.1 for long are not made there. */
const LONG_MS = 20_000

/** Adds the requests of another script, or has them instead of this one's: each to one of the hosts here. */
export function takeRequests(random: Random, script: WorldScript, other: WorldScript): WorldScript {
  const places = topologyOf(script).groups.flatMap(({ hosts, http1 }) =>
    hosts.map((host) => ({ origin: `https://${host}`, http1 })),
  )
  const origins = [...new Set(other.requests.map(({ origin }) => origin))]
  const placeOf = new Map(origins.map((origin) => [origin, random.pick(places)]))
  const taken = other.requests.filter((request) => !placeOf.get(request.origin)!.http1 || neededMs(request) < LONG_MS)
  if (taken.length === 0) return script
  const moved = taken.map((request) => ({ ...request, origin: placeOf.get(request.origin)!.origin }))
  const kept = random.chance(0.5) && moved.length < MANY_REQUESTS ? script.requests : []
  return { ...script, requests: [...kept, ...moved] }
}

/** Gives ordinary requests a deadline, an impatient caller, or another way to read. */
export function temper(random: Random, script: WorldScript): WorldScript {
  const part = random.pick([0.05, 0.3])
  return changeRequests(script, (request) => {
    const { method, abortAfterMs, totalMs, isolation, reader, poison, lies, parts } = request
    const isSpecial = [abortAfterMs, totalMs, isolation, reader, poison, lies, parts].some((each) => each !== undefined)
    return method !== 'GET' || isSpecial || !random.chance(part) ? request : { ...request, ...drawTemper(random) }
  })
}

function drawTemper(random: Random): Partial<RequestScript> {
  switch (random.int(0, 5)) {
    case 0:
      return { abortAfterMs: random.log(1, 1_000) }
    case 1:
      return { totalMs: random.pick([500, 2_000, 10_000, 30_000]), headersMs: random.pick([1_000, 5_000]) }
    case 2:
      return { reader: random.pick(['cancels', 'slow'] as const), bytes: random.log(10, 200_000) }
    case 3:
      return { isolation: random.pick(['one', 'two']) }
    case 4:
      return { lies: true }
    default:
      return { thinkMs: random.log(1, 400) }
  }
}
