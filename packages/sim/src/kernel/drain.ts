/**
 * Runs pending `nextTick` callbacks and microtasks now, as Node does after each callback of its
 * event loop. A whole run is one callback of the real event loop: no real I/O, no real timer.
 */

const internal = process as unknown as { _tickCallback?: () => void }

/** Runs what is pending until nothing is. Must not be called from a microtask. */
export function drain(): void {
  // Node itself calls it between two callbacks: `processTicksAndRejections` (lib/internal/process/task_queues.js).
  internal._tickCallback!()
}

/** @throws Error if this version of Node cannot drain on demand. */
export function checkDrain(): void {
  if (typeof internal._tickCallback !== 'function') throw new Error(`process._tickCallback is missing in Node ${process.version}`)
}
