// Whole meshes under load and faults, seed after seed
// =============================================================================
//
// Each test is a seed, which its title gives: `npx troupe sim --seed <it> --safety 4s` runs it again, with the trace when `--trace` is added.

import { expect } from 'chai';
import { drawScenario } from '../../actors/simulated/scenario.js';
import { simulate } from '../../actors/simulated/simulate.js';

const safetyMs = 4000;
const seedCount = 30;

describe('simulated meshes (J1 K3 K4 K5 K6 K7 K8 K9 hold at every moment)', function () {
  this.timeout(60_000);

  for (let seed = 1; seed <= seedCount; seed++) {
    it(`seed ${seed}`, () => {
      const result = simulate(drawScenario(String(seed), { safetyMs }));
      if (result.failure !== undefined)
        throw new Error(`npx troupe sim --seed ${seed} --safety 4s: ${result.failure.message}`, {
          cause: result.failure.error,
        });
      expect(result.operations.ok, 'operations done').to.be.greaterThan(0);
      expect(result.operations.open, 'operations without an answer').to.equal(0);
    });
  }

  for (let seed = 1; seed <= 6; seed++) {
    it(`lossy seed ${seed}: a host whose disk rots, or fails to sync, costs nothing that was acknowledged (D11, R17, R21)`, () => {
      const faults = ['bit-rot', 'sync-error', 'host-kill', 'isolate'] as const;
      const result = simulate(drawScenario(`lossy-${seed}`, { safetyMs, faults }));
      if (result.failure !== undefined)
        throw new Error(
          `npx troupe sim --seed lossy-${seed} --safety 4s --faults ${faults.join(',')}: ${result.failure.message}`,
          {
            cause: result.failure.error,
          },
        );
    });
  }

  it('without faults nothing fails and nothing is unknown', () => {
    const calm = { ...drawScenario('calm', { faults: [], safetyMs }) };
    const result = simulate({ ...calm, faults: { ...calm.faults, network: {} } });
    expect(result.failure?.message).to.equal(undefined);
    expect(result.operations).to.include({ failed: 0, unknown: 0, open: 0 });
  });

  it('Z1 one seed gives one run: twice the same trace hash', () => {
    const scenario = drawScenario('twice', { safetyMs });
    const [one, other] = [simulate(scenario), simulate(scenario)];
    expect(one.traceHash, `SEED=${scenario.seed}`).to.equal(other.traceHash);
    expect(simulate(drawScenario('otherwise', { safetyMs })).traceHash).to.not.equal(one.traceHash);
  });
});
