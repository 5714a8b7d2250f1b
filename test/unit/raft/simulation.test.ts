import { expect } from 'chai';
import { RaftSimulation, type SimulationResult } from '../../support/raft-simulation.js';

const runs = Number(process.env['RAFT_RUNS'] ?? 300);
const first = Number(process.env['RAFT_SEED'] ?? 1);

describe('raft in a bad world', () => {
  it(`M1 M3 M4 M5 M10: ${runs} seeds stay safe, and converge once healed`, function () {
    this.timeout(120_000);
    const sum = { committed: 0, elections: 0, snapshots: 0, reads: 0, changes: 0 };
    for (let seed = first; seed < first + runs; seed++) {
      let result: SimulationResult;
      try {
        result = new RaftSimulation(String(seed)).run(6000);
      } catch (cause) {
        throw new Error(`RAFT_SEED=${seed} RAFT_RUNS=1: ${(cause as Error).message}`, { cause });
      }
      sum.committed += result.committed;
      sum.elections += result.elections;
      sum.snapshots += result.snapshots;
      sum.reads += result.reads;
      sum.changes += result.changes;
    }
    // The world was as bad as it was meant to be, and something happened in it.
    expect(sum.elections).to.be.greaterThan(runs);
    expect(sum.committed).to.be.greaterThan(runs * 20);
    if (runs >= 100) {
      expect(sum.snapshots, 'snapshots').to.be.greaterThan(0);
      expect(sum.reads, 'reads').to.be.greaterThan(0);
      expect(sum.changes, 'membership changes').to.be.greaterThan(0);
    }
    if (process.env['RAFT_VERBOSE'] !== undefined) process.stdout.write(`${JSON.stringify(sum)}\n`);
  });
});
