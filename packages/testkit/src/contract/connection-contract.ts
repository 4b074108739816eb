/// <reference types="jest" />
// The contract between an engine and the pool: one suite over any `Connection`. Allowed differences
// are declared as traits. Runs inside a jest test file and uses its globals; imports nothing from
// jest.
import type { ContractEngine } from './engine.js'
import { failureContract } from './failures.js'
import { contractFixture } from './fixture.js'
import { flowContract } from './flow.js'
import { lifeContract } from './life.js'
import { requestContract } from './requests.js'

export type { ContractEngine, EngineTraits } from './engine.js'

/** Declares the whole contract for one engine. */
export function connectionContract(name: string, engine: ContractEngine): void {
  describe(`Connection contract: ${name}`, () => {
    const fixture = contractFixture(engine)
    requestContract(fixture)
    flowContract(fixture)
    failureContract(fixture)
    lifeContract(fixture)
  })
}
