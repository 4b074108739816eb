/** What each call does and what happens to it: decided by the seed and the number of the call alone. */

/** Returns a function with random numbers from 0 to 1 (mulberry32), for one call of one run. */
function randomFor(seed, number) {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(number + 1, 0xc2b2ae35)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Kinds of methods: whether the request and the response are streams. */
export const KINDS = { unary: [false, false], serverStream: [false, true], clientStream: [true, false], bidi: [true, true] }
export const WAYS = ['channel', 'grpcClient']
/**
 * Codes of RST_STREAM (RFC 9113 §7), but those that are about more than one call: HTTP_1_1_REQUIRED,
 * and ENHANCE_YOUR_CALM, after which the client opens fewer streams at a time.
 */
const RESETS = [0x0, 0x1, 0x2, 0x3, 0x4, 0x5, 0x6, 0x7, 0x8, 0x9, 0xa, 0xc]
/** What happens, by its share of the calls in thousandths. All others succeed, unless another call ends their connection. */
const EVENTS = [
  ['cancel', 80],
  ['deadline', 60],
  ['reset', 80],
  ['status', 60],
  ['goaway', 6],
  ['drop', 3],
]

function eventAt(share) {
  let end = 0
  for (const [event, thousandths] of EVENTS) {
    end += thousandths
    if (share < end) return event
  }
  return 'none'
}

/**
 * Returns the plan of a call. `at` is the moment of the event: -1 before the response begins, else
 * after so many messages of the response.
 */
export function planOf(seed, number) {
  const random = randomFor(seed, number)
  const below = (bound) => Math.floor(random() * bound)
  const pick = (list) => list[below(list.length)]
  const kind = pick(Object.keys(KINDS))
  const [requestStream, responseStream] = KINDS[kind]
  const event = eventAt(below(1_000))
  const size = () => (below(10) === 0 ? below(40_000) : below(300))
  const requests = Array.from({ length: requestStream ? below(6) : 1 }, size)
  const responses = Array.from({ length: responseStream ? below(6) : 1 }, size)
  return {
    ...{ number, kind, event, requests, responses },
    way: pick(WAYS),
    client: below(3),
    at: responseStream ? below(responses.length + 2) - 1 : -1,
    code: event === 'reset' ? pick(RESETS) : 1 + below(16),
    deadlineMs: event === 'deadline' ? 1 + below(40) : 60_000,
    /** Turns of the event loop before the caller cancels. */
    turns: below(20),
    /** Whether GOAWAY names the stream of the call as processed. */
    isLast: random() < 0.5,
  }
}

const HEADER_BYTES = 8

/** A message says whose it is, and which. */
export function messageOf(number, position, size) {
  const message = Buffer.alloc(HEADER_BYTES + size, (number + position) & 0xff)
  message.writeUInt32BE(number, 0)
  message.writeUInt32BE(position, 4)
  return message
}

/** Returns what is wrong with messages that must be the first ones of these sizes; `undefined` if nothing is. */
export function wrongIn(messages, number, sizes) {
  if (messages.length > sizes.length) return `${messages.length} messages instead of ${sizes.length}`
  for (const [i, message] of messages.entries())
    if (!messageOf(number, i, sizes[i]).equals(message)) return `message ${i} is not the one that was sent`
  return undefined
}
