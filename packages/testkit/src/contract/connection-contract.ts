/// <reference types="jest" />
// What every engine owes the pool: one suite over any `Connection`. Where engines may differ, they say so in their traits.
// Runs inside a jest test file, whose globals it uses; imports nothing of jest itself.
import type { ContractEngine } from './engine.js'
import { failureContract } from './failures.js'
import { contractFixture } from './fixture.js'
import { flowContract } from './flow.js'
import { lifeContract } from './life.js'
import { requestContract } from './requests.js'

export type { ContractEngine, EngineTraits } from './engine.js'

/** Describes the whole contract for one engine. */
export function connectionContract(name: string, engine: ContractEngine): void {
  describe(`Connection contract: ${name}`, () => {
    const fixture = contractFixture(engine)
    requestContract(fixture)
    flowContract(fixture)
    failureContract(fixture)
    lifeContract(fixture)
  })
}
