/** Runs code as one callback of the event loop, as the simulation does: microtasks can be drained only there. */

export function inTurn<Result>(act: () => Result): Promise<Result> {
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        resolve(act())
      } catch (error) {
        reject(error as Error)
      }
    })
  })
}
