// The whole engine in this process, in memory and in a directory
// =============================================================================

import { expect } from 'chai';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbedded } from '../../actors/embedded.js';
import type { Database } from '../../messaging/client/index.js';
import { describeDatabase } from '../contract/database.js';

async function failureOf(work: Promise<Database>): Promise<unknown> {
  try {
    await (await work).close();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('system: embedded', () => {
  const folders: string[] = [];
  const open: Database[] = [];

  function folder(): string {
    const made = mkdtempSync(join(tmpdir(), 'troupe-embedded-'));
    folders.push(made);
    return made;
  }

  async function keep(opening: Promise<Database>): Promise<Database> {
    const db = await opening;
    open.push(db);
    return db;
  }

  after(async () => {
    await Promise.all(open.map((db) => db.close()));
    for (const made of folders) rmSync(made, { recursive: true, force: true });
  });

  describeDatabase('embedded in memory', () => keep(openEmbedded()));
  describeDatabase('embedded in a directory', () => keep(openEmbedded({ directory: folder() })));

  it('makes the default table on its first write, and not on a read', async () => {
    await using db = await openEmbedded();
    expect(await db.admin.listTables()).to.deep.equal([]);
    await db.table('default').put('a', 1);
    expect(await db.table('default').get('a')).to.equal(1);
  });

  it('in memory, two are two', async () => {
    await using one = await openEmbedded();
    await using other = await openEmbedded();
    await one.table('default').put('a', 1);
    await other.table('default').put('a', 2);
    expect(await one.table('default').get('a')).to.equal(1);
  });

  it('a directory opened again has what was acknowledged, and goes on counting versions', async () => {
    const directory = folder();
    const value = { deep: [{ n: 1n, at: new Date(5) }], text: 'x'.repeat(100_000) };
    for (let round = 1; round <= 3; round++) {
      await using db = await openEmbedded({ directory });
      const kv = db.table('default');
      if (round > 1) expect(await kv.get('kept')).to.deep.equal(value);
      expect((await kv.put('kept', value)).version).to.equal(round);
      expect((await kv.increment('opened')).value).to.equal(round);
    }
  });

  it('a directory in use is refused, and free again after close', async () => {
    const directory = folder();
    const first = await openEmbedded({ directory });
    const failure = await failureOf(openEmbedded({ directory }));
    expect(failure).to.include({ name: 'TroupeError', code: 'UNAVAILABLE' });
    expect((failure as Error).message).to.include('in use');
    await first.close();
    expect(await failureOf(openEmbedded({ directory }))).to.equal(undefined);
  });

  it('a directory that makes no sense is refused, and left as it is (D16)', async () => {
    const directory = folder();
    writeFileSync(join(directory, 'identity.json'), '{"format":1');
    expect(await failureOf(openEmbedded({ directory }))).to.include({ code: 'INVALID_ARGUMENT' });
    expect(readFileSync(join(directory, 'identity.json'), 'utf8')).to.equal('{"format":1');
    const identity = { format: 1, clusterId: 'c', host: 'h1', diskId: 'd', workers: 2, createdAt: '' };
    writeFileSync(join(directory, 'identity.json'), JSON.stringify(identity));
    const failure = await failureOf(openEmbedded({ directory }));
    expect(failure).to.include({ code: 'INVALID_ARGUMENT' });
    expect((failure as Error).message).to.include('h1');
  });

  it('wrong options are a TypeError, an aborted signal its reason', async () => {
    expect(await failureOf(openEmbedded({ nonsense: 1 } as never))).to.be.instanceOf(TypeError);
    expect(await failureOf(openEmbedded({ directory: '' }))).to.be.instanceOf(TypeError);
    const reason = new Error('no');
    expect(await failureOf(openEmbedded({ signal: AbortSignal.abort(reason) }))).to.equal(reason);
  });

  it('after close every call ends as CLOSED', async () => {
    const db = await openEmbedded();
    await db.close();
    await db.close();
    const failure = await db
      .table('default')
      .put('a', 1)
      .catch((error: unknown) => error);
    expect(failure).to.include({ code: 'CLOSED' });
  });
});
