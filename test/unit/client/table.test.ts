import { expect } from 'chai';
import { ConditionFailedError, TroupeError } from '../../../messaging/client/index.js';
import type { Key } from '../../../messaging/client/index.js';
import { type LocalMesh, localMesh } from './local-mesh.js';

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it did not reject');
}

describe('client: tables', () => {
  let local: LocalMesh;
  beforeEach(async () => {
    local = await localMesh();
    local.mesh.makeTable('default');
  });
  afterEach(() => local.close());

  it('puts and gets, with a receipt', async () => {
    const kv = local.db.table('default');
    const receipt = await kv.put('user:1', { name: 'Ada' });
    expect(receipt).to.include({ key: 'user:1', version: 1, durability: 'sync' });
    expect(receipt.replicas).to.deep.equal(['h1', 'h2', 'h3']);
    expect(await kv.get('user:1')).to.deep.equal({ name: 'Ada' });
    expect(await kv.get('user:2')).to.equal(undefined);
    expect(await kv.has('user:1')).to.equal(true);
    const entry = await kv.entry('user:1');
    expect(entry).to.deep.include({ key: 'user:1', value: { name: 'Ada' }, version: 1 });
    expect(entry?.createdAt).to.be.an.instanceOf(Date);
  });

  it('deletes, and says whether there was something', async () => {
    const kv = local.db.table('default');
    await kv.put(['a', 1], 1n);
    expect(await kv.delete(['a', 1])).to.include({ existed: true, version: 1 });
    expect(await kv.delete(['a', 1])).to.include({ existed: false, version: 0 });
    expect(await kv.get(['a', 1])).to.equal(undefined);
  });

  it('checks ifVersion and ifAbsent, and says which version is there', async () => {
    const kv = local.db.table('default');
    await kv.put('a', 1, { ifAbsent: true });
    const error = await rejection(kv.put('a', 2, { ifAbsent: true }));
    expect(error).to.be.an.instanceOf(ConditionFailedError);
    expect(error).to.include({ code: 'CONDITION_FAILED', version: 1, retryable: false });
    await kv.put('a', 3, { ifVersion: 1 });
    expect(await rejection(kv.delete('a', { ifVersion: 1 }))).to.include({ code: 'CONDITION_FAILED', version: 2 });
  });

  it('increments, and refuses what is no number', async () => {
    const kv = local.db.table('default');
    expect(await kv.increment('n')).to.include({ value: 1, version: 1 });
    expect(await kv.increment('n', 41)).to.include({ value: 42, version: 2 });
    await kv.put('s', 'text');
    expect(await rejection(kv.increment('s'))).to.include({ code: 'INVALID_ARGUMENT' });
  });

  it('getMany keeps the order asked', async () => {
    const kv = local.db.table('default');
    await Promise.all(['a', 'b', 'c'].map((key) => kv.put(key, `${key}!`)));
    expect(await kv.getMany(['c', 'x', 'a', 'c'])).to.deep.equal(['c!', undefined, 'a!', 'c!']);
  });

  it('batch has a result for each item', async () => {
    const kv = local.db.table('default');
    await kv.put('old', 1);
    const results = await kv.batch([
      { put: ['a', 1] },
      { delete: 'old' },
      { put: ['a', 2], ifAbsent: true },
      { increment: ['n', 5] },
    ]);
    expect(results.map((result) => result.ok)).to.deep.equal([true, true, false, true]);
    expect(results[2]).to.have.nested.property('error.code', 'CONDITION_FAILED');
    expect(results[3]).to.have.nested.property('receipt.value', 5);
  });

  it('sends what is issued in one tick in few messages', async () => {
    const kv = local.db.table('default');
    await Promise.all(Array.from({ length: 100 }, (_, i) => kv.put(`warm${i}`, i)));
    const before = local.mesh.arrived.get('write') ?? 0;
    await Promise.all(Array.from({ length: 1000 }, (_, i) => kv.put(`k${i}`, i)));
    expect((local.mesh.arrived.get('write') ?? 0) - before).to.be.at.most(16);
  });

  it('Z1: range merges all partitions in key order, and stops on break', async () => {
    const kv = local.db.table('default');
    local.mesh.scanCountMax = 7;
    const names = Array.from({ length: 100 }, (_, i) => `k${String(i).padStart(3, '0')}`);
    await Promise.all(names.map((name, i) => kv.put(name, i)));
    const seen: Key[] = [];
    for await (const entry of kv.range()) seen.push(entry.key);
    expect(seen).to.deep.equal(names);
    const some: Key[] = [];
    for await (const entry of kv.range({ start: 'k010', end: 'k020', reverse: true })) {
      some.push(entry.key);
      if (some.length === 3) break;
    }
    expect(some).to.deep.equal(['k019', 'k018', 'k017']);
    const prefixed: Key[] = [];
    for await (const entry of kv.range({ prefix: 'k09', limit: 4 })) prefixed.push(entry.key);
    expect(prefixed).to.deep.equal(['k090', 'k091', 'k092', 'k093']);
  });

  it('page goes on where the last one ended, also after a failover and in another client', async () => {
    const kv = local.db.table('default');
    const names = Array.from({ length: 25 }, (_, i) => `k${String(i).padStart(3, '0')}`);
    await Promise.all(names.map((name, i) => kv.put(name, i)));
    const seen: Key[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page = await kv.page({ prefix: 'k', limit: 10, cursor });
      seen.push(...page.entries.map((entry) => entry.key));
      cursor = page.cursor;
      for (const id of local.mesh.partitions.keys()) local.mesh.elect(id, 'h2');
      pages++;
    } while (cursor !== undefined);
    expect(seen).to.deep.equal(names);
    expect(pages).to.equal(3);
    const first = await kv.page({ limit: 10 });
    const other = await local.open();
    const second = await other.table('default').page({ limit: 10, cursor: first.cursor });
    expect(second.entries.map((entry) => entry.key)).to.deep.equal(names.slice(10, 20));
  });

  it('NOT_FOUND for a table that is not there', async () => {
    const error = await rejection(local.db.table('nowhere').get('a'));
    expect(error).to.be.an.instanceOf(TroupeError);
    expect(error).to.include({ code: 'NOT_FOUND', retryable: false });
  });
});
