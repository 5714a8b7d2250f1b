// Real hosts on disks that fail, fill up, or hold damaged files
// =============================================================================
//
// One mesh goes through all of it, one trouble after the other, under load; what it acknowledged must be there at the end.

import { expect } from 'chai';
import { createHash } from 'node:crypto';
import { closeSync, openSync, readdirSync, readFileSync, readSync, rmSync, truncateSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbedded } from '../../actors/embedded.js';
import { Ledger } from '../../cli/drill/ledger.js';
import { TroupeError } from '../../messaging/client/index.js';
import { hostExitCodes } from '../../runtime/threads/exit-codes.js';
import { FaultyMesh } from '../support/faulty-mesh.js';
import { until } from '../support/until.js';

function flipBit(path: string, position: number): void {
  const file = openSync(path, 'r+');
  const byte = new Uint8Array(1);
  readSync(file, byte, 0, 1, position);
  byte[0] = (byte[0] as number) ^ 8;
  writeSync(file, byte, 0, 1, position);
  closeSync(file);
}

/** Segment files of a worker's newest generation, oldest first. */
function segmentsOf(directory: string, worker: number): string[] {
  const root = join(directory, `worker-${worker}`);
  const generation = readdirSync(root)
    .filter((name) => name.startsWith('generation-'))
    .sort((a, b) => (a < b ? -1 : 1))
    .at(-1);
  return readdirSync(join(root, generation ?? ''))
    .filter((name) => name.startsWith('segment-'))
    .sort((a, b) => (a < b ? -1 : 1))
    .map((name) => join(root, generation ?? '', name));
}

const identity = (error: unknown): unknown => error;

/** Names and contents below a directory. */
function contentsOf(directory: string): string {
  const hash = createHash('sha256');
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || entry.name.startsWith('lock-')) continue;
    hash.update(path);
    hash.update(readFileSync(path));
  }
  return hash.digest('hex');
}

describe('system: a mesh on bad disks', function () {
  this.timeout(90_000);
  let mesh: FaultyMesh;
  const ledgers: Ledger[] = [];

  before(async () => {
    mesh = new FaultyMesh(3);
    await mesh.boot();
  });

  after(() => mesh.stop());

  async function expectKept(ledger: Ledger): Promise<void> {
    const { acknowledged, lost, resurrected } = await ledger.judge();
    expect(lost).to.deep.equal([]);
    expect(resurrected).to.deep.equal([]);
    expect(acknowledged).to.be.greaterThan(20);
  }

  /** Writes to a table of its own while `trouble` lasts, until the mesh is well again; then everything acknowledged is there. */
  async function underLoad(table: string, trouble: () => Promise<void>): Promise<void> {
    await mesh.db.admin.createTable(table, { partitions: 4, replicas: 3, minInSync: 2 });
    const ledger = new Ledger(mesh.db, table);
    ledgers.push(ledger);
    ledger.start(2);
    await until('there is load', () => ledger.acknowledgedCount > 20);
    await trouble();
    await mesh.untilHealthy();
    await ledger.stop();
    await expectKept(ledger);
  }

  it('D11 R17 M13: a failed sync ends the host with code 74; it comes back empty, as another member, and catches up', async () => {
    await underLoad('sync', async () => {
      const failing = mesh.process('h2');
      mesh.failSyncs('h2', 0);
      expect(await failing.ended).to.equal(hostExitCodes.storageFailed);
      expect(failing.lines.at(-1)).to.match(/^troupe: host h2 ends \(exit code 74\): the disk of worker 0 failed/);
      expect(readdirSync(join(mesh.directory('h2'), 'worker-0')).join(' ')).to.include('tainted-');
      mesh.healDisk('h2');
      mesh.start('h2');
    });
    await mesh.untilVoter(`h2.${mesh.diskIdOf('h2')}-2`);
    expect(mesh.process('h2').lines.join('\n')).to.include('disk-replaced');
  });

  it('D9: a bit that flipped in the middle of a stopped host’s journal costs that journal, and no data', async () => {
    await underLoad('flip', async () => {
      await mesh.kill('h3');
      const [segment] = segmentsOf(mesh.directory('h3'), 1);
      flipBit(segment ?? '', 200);
      mesh.start('h3');
    });
    const said = mesh.process('h3').lines.join('\n');
    expect(said).to.match(/"kind":"journal-opened".*"end":"corrupt"/);
    expect(await mesh.voters()).to.include(`h3.${mesh.diskIdOf('h3')}`);
  });

  it('D9 M13: a journal that was cut off, and one whose only segment is gone, are found out', async () => {
    await underLoad('cut', async () => {
      await mesh.kill('h1');
      for (const path of segmentsOf(mesh.directory('h1'), 0)) truncateSync(path, 300);
      for (const path of segmentsOf(mesh.directory('h1'), 1)) rmSync(path);
      mesh.start('h1');
    });
    await mesh.untilVoter(`h1.${mesh.diskIdOf('h1')}-2`);
  });

  it('D14: full disks refuse writes, answer reads, and take writes again by themselves when there is space', async () => {
    const table = mesh.db.table('sync');
    await table.put('before', 1);
    for (const name of mesh.names) await mesh.kill(name, 'SIGTERM');
    for (const name of mesh.names) mesh.fillDisk(name);
    for (const name of mesh.names) mesh.start(name);
    await mesh.untilHealthy();
    // A leader that was just elected lets a write wait for the end of the last lease, and then nobody knows what became of it.
    let refused = '';
    await until('a write is refused', async () => {
      const key = `during ${Date.now()}`;
      const error: unknown = await table.put(key, 1, { timeout: 1000 }).then(() => undefined, identity);
      expect(error, 'no write is taken').instanceOf(TroupeError);
      if ((error as TroupeError).code !== 'CAPACITY') return false;
      expect(String(error)).to.include('the disk is full');
      refused = key;
      return true;
    });
    expect(await table.get('before')).to.equal(1);
    for (const name of mesh.names) mesh.healDisk(name);
    await table.put('after', 2);
    expect(await table.get('after')).to.equal(2);
    expect(await table.has(refused)).to.equal(false);
  });

  it('all of it is still there after every host was killed', async () => {
    for (const name of mesh.names) await mesh.kill(name);
    for (const name of mesh.names) mesh.start(name);
    await mesh.untilHealthy();
    expect(await mesh.db.table('sync').get('after')).to.equal(2);
    for (const ledger of ledgers) await expectKept(ledger);
  });
});

describe('system: damage where there is one copy (D9)', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'troupe-damaged-'));
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  async function opened(): Promise<unknown> {
    try {
      await (await openEmbedded({ directory })).close();
      return undefined;
    } catch (error) {
      return error;
    }
  }

  it('a host that is alone ends with code 78 and one clear line each time, and changes nothing', async function () {
    this.timeout(60_000);
    const mesh = new FaultyMesh(1);
    try {
      await mesh.boot();
      await mesh.kill('h1');
      flipBit(segmentsOf(mesh.directory('h1'), 0)[0] ?? '', 200);
      const damaged = join(mesh.directory('h1'), 'worker-0');
      const before = contentsOf(damaged);
      for (let i = 0; i < 2; i++) {
        const started = mesh.start('h1');
        expect(await started.ended).to.equal(hostExitCodes.refused);
        expect(started.lines.at(-1)).to.match(
          /^troupe: host h1 ends \(exit code 78\): .* it is damaged and nobody else has/,
        );
        expect(contentsOf(damaged)).to.equal(before);
      }
    } finally {
      await mesh.stop();
    }
  });

  for (const [what, damage] of [
    ['a flipped bit', (segment: string) => flipBit(segment, 200)],
    ['a truncated segment', (segment: string) => truncateSync(segment, 300)],
    ['a missing journal', (segment: string) => rmSync(join(segment, '..', '..'), { recursive: true })],
  ] as const) {
    it(`${what}: openEmbedded refuses in one clear line each time, and changes nothing`, async () => {
      {
        await using db = await openEmbedded({ directory });
        await db.table().put('a', 1);
      }
      damage(segmentsOf(directory, 0)[0] ?? '');
      const before = contentsOf(directory);
      for (let i = 0; i < 2; i++) {
        const refusal = await opened();
        expect(refusal).instanceOf(TroupeError);
        expect(refusal).to.include({ code: 'UNAVAILABLE' });
        expect(String(refusal)).to.match(/it is damaged and nobody else has what is in it.*worker-0/);
        expect(contentsOf(directory)).to.equal(before);
      }
    });
  }
});
