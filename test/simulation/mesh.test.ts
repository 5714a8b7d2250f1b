// Whole meshes under load and faults, seed after seed
// =============================================================================
//
// Each test is a seed, which its title gives: `npx troupe sim --seed <it> --safety 3s` runs it again, with the trace when `--trace` is added.

import { expect } from 'chai';
import { drawScenario, type Scenario, type ScenarioBounds } from '../../actors/simulated/scenario.js';
import { simulate, type SimulationResult } from '../../actors/simulated/simulate.js';

const safetyMs = 3000;
const seedCount = 200;

function simulated(scenario: Scenario, again: string): SimulationResult {
  const result = simulate(scenario);
  if (result.failure !== undefined)
    throw new Error(`${again}: ${result.failure.message}`, { cause: result.failure.error });
  return result;
}

/** A seed as `troupe sim` draws it. */
function seeded(seed: string, bounds: ScenarioBounds = {}): SimulationResult {
  return simulated(drawScenario(seed, { safetyMs, ...bounds }), `npx troupe sim --seed ${seed} --safety 3s`);
}

/** Nothing happens to it. */
function calm(seed: string, more: Partial<Scenario> = {}): Scenario {
  const scenario = drawScenario(seed, { faults: [], safetyMs, overBudget: false });
  return { ...scenario, faults: { ...scenario.faults, network: {} }, script: [], livenessMs: 0, sites: [], ...more };
}

describe('simulated meshes (J1 K3 K4 K5 K6 K7 K8 K9 K10 K11 hold at every moment)', function () {
  this.timeout(60_000);

  for (let seed = 1; seed <= seedCount; seed++) {
    it(`seed ${seed}`, () => {
      const result = seeded(String(seed));
      expect(result.operations.ok, 'operations done').to.be.greaterThan(0);
    });
  }

  for (let seed = 1; seed <= 6; seed++) {
    it(`lossy seed ${seed}: hosts whose disks rot, or fail to sync, cost nothing that was acknowledged (D11, R17, R21)`, () => {
      const faults = ['bit-rot', 'sync-error', 'host-kill', 'isolate'] as const;
      simulated(
        drawScenario(`lossy-${seed}`, { safetyMs, faults, hosts: 3 + (seed % 3), overBudget: false }),
        `npx troupe sim --seed lossy-${seed} --hosts ${3 + (seed % 3)} --safety 3s --faults ${faults.join(',')}`,
      );
    });
  }

  for (let seed = 1; seed <= 4; seed++) {
    it(`calm seed ${seed}: without faults nothing fails and nothing is unknown`, () => {
      const result = simulated(calm(`calm-${seed}`), `SEED=calm-${seed}`);
      expect(result.operations).to.include({ failed: 0, unknown: 0, open: 0 });
      expect(result.operations.ok).to.be.greaterThan(0);
      expect(result.judgement).to.equal('whole');
    });
  }

  it('a leader alone in an asynchronous table answers every write at once, the first one too (D2, R6)', () => {
    const options = { partitions: 2, replicas: 1, minInSync: 1, durability: 'async', reads: 'lease' } as const;
    const alone = calm('alone', { hosts: 1, founders: 1, tables: [{ name: 'table-0', options }] });
    const result = simulated(alone, 'SEED=alone');
    expect(result.operations).to.include({ failed: 0, unknown: 0, open: 0 });
    expect(result.operations.ok).to.be.greaterThan(0);
  });

  it('R1: over the fault budget a mesh may stop, and answers nothing wrong', () => {
    const over = drawScenario('over-1', { safetyMs, overBudget: true, hosts: 3 });
    const result = simulated(over, 'SEED=over-1');
    expect(over.faults.overBudget).to.equal(true);
    expect(result.core, 'only safety is judged').to.equal(undefined);
  });

  it('Y1 Y2 Y3 Y4: a healthy core gets on while everything else stays broken', () => {
    const scenario = drawScenario('live-1', { safetyMs, hosts: 5, overBudget: false });
    const result = simulated({ ...scenario, livenessMs: 30_000 }, 'SEED=live-1');
    expect(result.core, 'there is a core').to.have.lengthOf.within(1, 5);
    expect(result.phases).to.include.keys('safety', 'liveness', 'heal', 'verify');
  });

  it('L6 M9: a host whose disk stands still loses what it leads, although it goes on talking', () => {
    const options = { partitions: 4, replicas: 3, minInSync: 2, durability: 'sync', reads: 'lease' } as const;
    const tables = [{ name: 'table-0', options }];
    const well = calm('hung', { hosts: 3, founders: 3, clients: 3, tables, safetyMs: 20_000 });
    for (const host of ['h1', 'h2', 'h3']) {
      const hang = { atMs: 1000, kind: 'disk-hang', lastsMs: 60_000, args: { host } } as const;
      const result = simulated({ ...well, schedule: [hang] }, `SEED=hung, the disk of ${host}`);
      const [{ ok }, usual] = [result.operations, simulated(well, 'SEED=hung').operations.ok];
      expect(ok, `operations done although ${host} hangs`).to.be.greaterThan(usual / 2);
    }
  });

  it('U2 an operation that is left out leaves the others what they were', () => {
    const options = { partitions: 2, replicas: 3, minInSync: 2, durability: 'sync', reads: 'lease' } as const;
    const tables = [{ name: 'table-0', options }];
    const scenario = calm('skipped', { hosts: 3, founders: 3, clients: 2, tables });
    const whole = simulated(scenario, 'SEED=skipped').asked['c1'] ?? [];
    const left = whole.filter((_, i) => i % 3 === 1);
    const load = { ...scenario.load, skip: { c1: left } };
    const rest = simulated({ ...scenario, load }, 'SEED=skipped').asked['c1'] ?? [];
    expect(left.length, 'left out').to.be.greaterThan(0);
    expect(rest.filter((number) => left.includes(number))).to.deep.equal([]);
    const kept = whole.filter((number) => !left.includes(number));
    // The last ones may fall behind the end of the run, since a slot pauses after what it leaves out, too.
    expect(rest.slice(0, kept.length / 2)).to.have.members(kept.slice(0, kept.length / 2));
  });

  it('Z1 one seed gives one run: twice the same trace hash', () => {
    const scenario = drawScenario('twice', { safetyMs });
    const copy = JSON.parse(JSON.stringify(scenario)) as Scenario;
    const [one, other] = [simulate(scenario), simulate(copy)];
    expect(one.traceHash, `SEED=${scenario.seed}`).to.equal(other.traceHash);
    expect(simulate(drawScenario('otherwise', { safetyMs })).traceHash).to.not.equal(one.traceHash);
  });
});
