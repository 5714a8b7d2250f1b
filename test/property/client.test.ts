// What a client says against what happened, over a network that loses, repeats and delays, while leaders move and sessions expire
// =============================================================================

import { expect } from 'chai';
import fc from 'fast-check';
import type { Operation } from '../../messaging/client/core/operations.js';
import { encodeKey } from '../../messaging/protocol/key.js';
import { decodeValue, encodeValue } from '../../messaging/protocol/value.js';
import { type Faults, VirtualClient } from '../unit/client/virtual-client.js';

interface Plan {
  readonly seed: number;
  readonly faults: Faults;
  readonly turmoil: boolean;
  readonly operationCount: number;
}

const plans: fc.Arbitrary<Plan> = fc.record({
  seed: fc.integer({ min: 0, max: 2 ** 31 }),
  faults: fc.record({
    drop: fc.constantFrom(0, 0.02, 0.3),
    repeat: fc.constantFrom(0, 0.2),
    linger: fc.constantFrom(0, 0.02, 0.2),
  }),
  turmoil: fc.boolean(),
  operationCount: fc.integer({ min: 1, max: 150 }),
});

function disturb(world: VirtualClient): void {
  const { random, mesh } = world;
  const hosts = [...mesh.hosts.keys()];
  const partition = random.pick([...mesh.partitions.values()]);
  switch (random.below(8)) {
    case 0:
    case 1:
      return mesh.elect(partition.info.id, random.pick(hosts));
    case 2:
      return mesh.elect(partition.info.id, undefined);
    case 3: {
      const session = [...partition.sessions.keys()][0];
      if (session !== undefined) partition.sessions.delete(session);
      return;
    }
    case 4:
      partition.refuseWrites = random.pick(['unavailable', 'capacity', 'outcome-unknown', undefined, undefined]);
      return;
    case 5: {
      const host = random.pick(hosts);
      if (mesh.dead.delete(host)) return;
      if (mesh.dead.size === 0) mesh.dead.add(host);
      return;
    }
    case 6:
      return world.gap(random.pick(hosts), random.below(2));
    default:
      return world.tell({ kind: 'cancel', id: 1 + random.below(150) } as never);
  }
}

function runPlan(plan: Plan): VirtualClient {
  const world = new VirtualClient(plan.seed, plan.faults);
  world.mesh.makeTable('t', 3);
  const { random } = world;
  let id = 0;
  while (id < plan.operationCount) {
    const operations: Operation[] = [];
    for (let i = random.between(1, 20); i > 0 && id < plan.operationCount; i--) {
      id++;
      const timeoutMs = random.pick([50, 1000, 8000]);
      const key = encodeKey(`k${random.below(30)}`);
      operations.push(
        random.chance(0.75)
          ? {
              kind: 'write',
              id,
              table: 't',
              operation: 'put',
              key,
              value: encodeValue(id),
              ifVersion: undefined,
              durability: undefined,
              timeoutMs,
            }
          : {
              kind: 'read',
              id,
              table: 't',
              key,
              consistency: random.pick(['linearizable', 'session', 'stale']),
              timeoutMs,
            },
      );
    }
    world.submit(...operations);
    world.pass(random.between(0, 200));
    if (plan.turmoil) disturb(world);
  }
  world.pass(20_000); // every deadline, and every message that lingers
  return world;
}

describe('client: property', () => {
  it('D1 D2 D3 K1 J1: each operation is settled once; OK was applied once, FAIL never, UNKNOWN at most once', function () {
    this.timeout(60_000);
    fc.assert(
      fc.property(plans, (plan) => {
        const world = runPlan(plan);
        expect(world.crashes.map((crash) => crash.event['error'])).to.deep.equal([]);
        const appliedCounts = new Map<number, number>();
        for (const { op } of world.mesh.applied) {
          const id = decodeValue(op.value) as number;
          appliedCounts.set(id, (appliedCounts.get(id) ?? 0) + 1);
        }
        expect(world.outcomes.map((outcome) => outcome.id).sort((a, b) => a - b)).to.deep.equal(
          Array.from({ length: plan.operationCount }, (_, i) => i + 1),
        );
        for (const outcome of world.outcomes) {
          const applied = appliedCounts.get(outcome.id) ?? 0;
          if (outcome.kind === 'written') expect(applied, `OK of ${outcome.id}`).to.equal(1);
          else if (outcome.kind === 'failed') expect(applied, `FAIL of ${outcome.id}: ${outcome.code}`).to.equal(0);
          else if (outcome.kind === 'unknown') expect(applied, `UNKNOWN of ${outcome.id}`).to.be.at.most(1);
        }
        expect(world.inspect()).to.include({ pending: 0, attempts: 0 });
      }),
      { numRuns: 150 },
    );
  });

  it('a network without faults and a mesh at rest leave nothing undone', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
        const world = runPlan({
          seed,
          faults: { drop: 0, repeat: 0, linger: 0 },
          turmoil: false,
          operationCount: 100,
        });
        for (const outcome of world.outcomes) expect(outcome.kind).to.be.oneOf(['written', 'read']);
      }),
      { numRuns: 10 },
    );
  });

  it('a healed mesh answers what is still in time', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        const world = runPlan({ ...plan, turmoil: true });
        world.faults = { drop: 0, repeat: 0, linger: 0 };
        world.mesh.dead.clear();
        for (const partition of world.mesh.partitions.values()) {
          partition.refuseWrites = undefined;
          world.mesh.elect(partition.info.id, 'h2');
        }
        world.pass(6000); // a watch of a host that is back is asked again
        const value = encodeValue(0);
        for (let i = 0; i < 20; i++) {
          world.submit({
            kind: 'write',
            id: 1000 + i,
            table: 't',
            operation: 'put',
            key: encodeKey(`k${i}`),
            value,
            ifVersion: undefined,
            durability: undefined,
            timeoutMs: 2000,
          });
        }
        world.pass(2500);
        for (let i = 0; i < 20; i++) expect(world.outcomeOf(1000 + i)?.kind).to.equal('written');
      }),
      { numRuns: 40 },
    );
  });
});
