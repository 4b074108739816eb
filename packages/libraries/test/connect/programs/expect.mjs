/** Assertions, and events of a case. */

import assert from 'node:assert/strict'
import { Code, ConnectError } from '@connectrpc/connect'

/** Asserts that a call rejects with this code. Returns the error. */
export async function rejectsWith(code, call) {
  const error = await call.then(
    (value) => assert.fail(`the call succeeded with ${JSON.stringify(value)?.slice(0, 200)}`),
    (reason) => reason,
  )
  assert.ok(error instanceof ConnectError, `not a ConnectError: ${error?.stack}`)
  assert.equal(Code[error.code], Code[code], error.stack)
  return error
}

/** A promise that is resolved from outside. */
export function event() {
  let happen
  const happened = new Promise((resolve) => {
    happen = resolve
  })
  return { happened, happen }
}

/** Reads all messages of a stream. */
export async function all(messages) {
  const list = []
  for await (const message of messages) list.push(message)
  return list
}

/** Resolves when the signal of a handler is aborted. */
export function abortOf({ signal }) {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve())
  })
}

/** Bytes that are not the same everywhere. */
export function bytes(length) {
  const made = new Uint8Array(length)
  for (let i = 0; i < length; i++) made[i] = (i * 31) & 0xff
  return made
}

/**
 * Waits until a counter stands still while other calls go back and forth over the same connection: what could have
 * been sent by then was sent.
 */
export async function settled(count, roundTrip) {
  for (let before = -1, same = 0; same < 30; ) {
    const now = count()
    same = now === before ? same + 1 : 0
    before = now
    await roundTrip()
  }
  return count()
}
