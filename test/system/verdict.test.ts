// `troupe load --verify` on a live mesh whose hosts lose power: no on a broken build, yes on a sound one
// =============================================================================
//
// The hosts keep un-synced writes in memory and sync slowly (TROUPE_DISK), so that killing all of them is a power loss in the middle of syncs. The
// broken builds are the same program with a bug planted by environment variable.

import { expect } from 'chai';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import type { VerdictReport } from '../../cli/load/describe-verdict.js';
import type { SoakReport } from '../../cli/soak/soak-report.js';
import { connect, type Database, type StatusReport } from '../../messaging/client/index.js';
import { CliMesh, type Ran, runNode } from '../support/cli-mesh.js';
import { until } from '../support/until.js';

interface LoadResult {
  readonly answered: number;
  readonly verdict: VerdictReport;
}

/** Undefined: nobody answers just now. */
async function statusOf(db: Database): Promise<StatusReport | undefined> {
  try {
    return await db.admin.status({ timeout: 2000 });
  } catch {
    return undefined;
  }
}

/** A loss is a matter of moments: the load is repeated until it is seen. */
const attemptsMax = 5;
const wellMs = 60_000;

describe('system: the verdict of a load while the power fails', function () {
  this.timeout(240_000);

  /** All hosts of the mesh are up and well; their process ids. */
  async function untilWell(db: Database): Promise<number[]> {
    let pids: number[] = [];
    await until(
      'the mesh is well',
      async () => {
        const status = await statusOf(db);
        pids = status?.hosts.map(({ pid }) => pid) ?? [];
        return status?.healthy === true && pids.length === 3 && status.hosts.every(({ state }) => state === 'up');
      },
      wellMs,
    );
    return pids;
  }

  /** A load with --verify, during which all hosts are killed at once when some writes were acknowledged. */
  async function loadWithPowerLoss(mesh: CliMesh, db: Database, table: string): Promise<Ran> {
    await untilWell(db);
    const words = ['load', '--verify', '--duration', '5s', '--clients', '32', '--table', table, '--keep', '-o', 'json'];
    const load = mesh.run(...words);
    let pids: number[] = [];
    await until(
      'some writes were acknowledged',
      async () => {
        const status = await statusOf(db);
        pids = status?.hosts.map(({ pid }) => pid) ?? [];
        const partitions = status?.tables.find(({ name }) => name === table)?.partitions ?? [];
        return partitions.reduce((sum, { items }) => sum + (items ?? 0), 0) > 50;
      },
      30_000,
    );
    for (const pid of pids) if (mesh.isMine(pid)) process.kill(pid, 'SIGKILL');
    return load;
  }

  async function withMesh(
    env: Record<string, string>,
    use: (mesh: CliMesh, db: Database) => Promise<void>,
  ): Promise<void> {
    const mesh = new CliMesh({ TROUPE_DISK: 'lossy,slow', ...env });
    try {
      await mesh.up();
      const servers = mesh.mesh?.nats ?? '';
      await using db = await connect({ servers, cluster: 'local', connectTimeout: 30_000 });
      await use(mesh, db);
    } finally {
      await mesh.close();
    }
  }

  it('is no, with exit code 1, where writes are acknowledged before they are synced (PB09)', async () => {
    await withMesh({ TROUPE_PLANTED_BUG: 'PB09' }, async (mesh, db) => {
      expect(mesh.log(10_000))
        .to.match(/warn +h1\/main\/host bug-planted bug=PB09/)
        .and.match(/warn +h1\/main\/host test-disk-in-use/);
      for (let attempt = 1; ; attempt++) {
        const { code, stdout, stderr } = await loadWithPowerLoss(mesh, db, `load-${attempt}`);
        const { verdict } = JSON.parse(stdout) as LoadResult;
        if (code === 0 && attempt < attemptsMax) continue;
        expect(code, stderr).to.equal(1);
        expect(verdict.linearizable).to.equal('no');
        expect(verdict.acknowledgedLost).to.be.greaterThan(0);
        expect(verdict.findings.map(({ text }) => text).join('\n')).to.match(
          /was acknowledged and is lost|were acknowledged/,
        );
        break;
      }
    });
  });

  it('is yes on a sound build, though the power fails in the same way', async () => {
    await withMesh({}, async (mesh, db) => {
      for (const attempt of [1, 2]) {
        const { code, stdout, stderr } = await loadWithPowerLoss(mesh, db, `load-${attempt}`);
        const { answered, verdict } = JSON.parse(stdout) as LoadResult;
        expect(answered).to.be.greaterThan(50);
        expect(verdict.findings, stderr).to.deep.equal([]);
        expect(verdict).to.include({ acknowledgedLost: 0, failedVisible: 0, appliedTwice: 0 });
        expect(verdict.linearizable).to.be.oneOf(['yes', 'inconclusive']);
        expect(code, stderr).to.equal(0);
      }
    });
  });

  for (const [bug, fault] of [
    ['PB09', 'power-loss-all'],
    ['PB50', 'kill-ahead'],
  ] as const)
    it(`is no in a soak with ${bug} planted`, async () => {
      const words = ['soak', '--cycles', '12', '--planted', bug, '--faults', fault, '-o', 'json'];
      const { code, stdout, stderr } = await runNode([resolve('cli/troupe.mjs'), ...words], tmpdir());
      expect(code, stderr).to.equal(1);
      const report = JSON.parse(stdout) as SoakReport;
      expect(report.planted).to.equal(bug);
      expect(report.failure).to.be.a('string');
      expect(report.folder, 'the evidence is kept').to.match(/troupe-drill-/);
      rmSync(report.folder ?? '', { recursive: true });
    });
});
