// A short soak and a short load, as a person would run them
// =============================================================================
//
// The long ones are `make soak`. A mesh of its own in a temporary folder; the soak ends its processes itself.

import { expect } from 'chai';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { SoakReport } from '../../cli/soak/soak-report.js';
import type { VerdictReport } from '../../cli/load/describe-verdict.js';
import { parseHistory } from '../../messaging/workload/history-lines.js';
import { CliMesh, runNode } from '../support/cli-mesh.js';

const program = resolve('cli/troupe.mjs');

describe('system: soak and load', function () {
  this.timeout(180_000);

  it('B1 B2: nothing acknowledged is lost to a killed host, a NATS outage and lost bytes', async () => {
    const words = [
      'soak',
      '--cycles',
      '3',
      '--faults',
      'kill-ahead,nats-kill,stall-in',
      '--clients',
      '8',
      '-o',
      'json',
    ];
    const { code, stdout, stderr } = await runNode([program, ...words], tmpdir());
    expect(code, stderr).to.equal(0);
    const report = JSON.parse(stdout) as SoakReport;
    expect(report.failure, stderr).to.equal(undefined);
    expect(report.cycles).to.equal(3);
    expect(report.keys).to.include({ violated: 0 });
    expect(report.keys.linearizable).to.be.greaterThan(0);
    expect(report.settled).to.include({ different: 0 });
    expect(report.settled.checked).to.be.greaterThan(0);
  });

  it('nothing acknowledged is lost to a power loss, a full and a failing disk, and a dead thread; the line of each cycle says what happened', async () => {
    const faults = 'power-loss-all,disk-full,fsync-error,thread-death';
    const words = ['soak', '--cycles', '4', '--faults', faults, '--clients', '8', '-o', 'json'];
    const { code, stdout, stderr } = await runNode([program, ...words], tmpdir());
    expect(code, stderr).to.equal(0);
    const report = JSON.parse(stdout) as SoakReport;
    expect(report.failure, stderr).to.equal(undefined);
    expect(report).to.deep.include({ crashes: [], broken: { lost: 0, visible: 0, twice: 0 } });
    expect(report.events['test-disk-in-use'], 'a test disk is said at every start').to.be.at.least(3);
    expect(
      stderr.match(/^\d\/4 {2}(power-loss-all|disk-full|fsync-error|thread-death) .*well after .*answered/gm),
    ).to.have.length(4);
  });

  it('an unknown fault or bug is one clear line', async () => {
    for (const [words, line] of [
      [['--faults', 'kill-one,kil-all'], /^troupe: USAGE: --faults knows .*, not kil-all; see `troupe help soak`\n$/],
      [['--planted', 'PB999'], /^troupe: USAGE: --planted .*PB999.*\n$/],
    ] as const) {
      const { code, stderr } = await runNode([program, 'soak', ...words], tmpdir());
      expect(code).to.equal(64);
      expect(stderr).to.match(line);
    }
  });

  it('a load on a live mesh says its figures and a verdict, and saves the history', async () => {
    const mesh = new CliMesh();
    const folder = mkdtempSync(join(tmpdir(), 'troupe-load-'));
    try {
      await mesh.up();
      const file = join(folder, 'h.ndjson');
      const words = ['load', '--verify', '--duration', '1s', '--clients', '8', '--history', file];
      const result = await mesh.json<{ answered: number; failed: number; verdict: VerdictReport }>(...words);
      expect(result.answered).to.be.greaterThan(0);
      expect(result.verdict).to.include({ linearizable: 'yes', share: 1, acknowledgedLost: 0, appliedTwice: 0 });
      const entries = parseHistory(readFileSync(file, 'utf8').split('\n'));
      expect(entries.length).to.equal(result.verdict.operations);
      const bad = await mesh.run('load', '--mix', 'fetch=1');
      expect(bad.code).to.equal(64);
      expect(bad.stderr).to.match(/^troupe: USAGE: --mix takes shares/);
      const { tables } = await mesh.json<{ tables: { name: string }[] }>('status');
      expect(tables.map(({ name }) => name)).to.not.include('load');
    } finally {
      await mesh.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
