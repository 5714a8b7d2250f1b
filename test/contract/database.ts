// What every open database must do, whatever runs behind it
// =============================================================================
//
// The SDK's promises that a user can see, run against a mesh of processes and against the engine in this process. Each run has tables
// of its own, so that a mesh can be used for more than one.

import { expect } from 'chai';
import { randomUUID } from 'node:crypto';
import type { Database, Key, Table } from '../../messaging/client/index.js';

/** An error's `code`, or what was got instead. */
async function codeOf(work: Promise<unknown>): Promise<unknown> {
  try {
    return { resolved: await work };
  } catch (error) {
    return error instanceof TypeError ? 'TypeError' : (error as { code?: unknown }).code;
  }
}

/** @param open called once; what it gives is closed by the caller. */
export function describeDatabase(name: string, open: () => Promise<Database>): void {
  describe(`database: ${name}`, () => {
    let db: Database;
    let kv: Table;

    before(async () => {
      db = await open();
      const table = `suite-${randomUUID().slice(0, 8)}`;
      await db.admin.createTable(table, { partitions: 4 });
      kv = db.table(table);
    });

    it('gives back what was put, and a receipt that says where it is', async () => {
      const receipt = await kv.put('user:1', { name: 'Ada', tags: ['x', null, true], nested: { n: -0.5 } });
      expect(receipt).to.include({ key: 'user:1', version: 1, durability: 'sync' });
      expect(receipt.replicas).to.have.length.greaterThan(0);
      expect(receipt.offset).to.be.a('number');
      expect(await kv.get('user:1')).to.deep.equal({ name: 'Ada', tags: ['x', null, true], nested: { n: -0.5 } });
      const entry = await kv.entry('user:1');
      expect(entry).to.include({ key: 'user:1', version: 1 });
      expect(entry?.createdAt).to.be.instanceOf(Date);
    });

    it('brings back every kind of value as it went in', async () => {
      const values = [0, -0, 1.5, 2 ** 53, 123456789012345678901234567890n, '', 'žluťoučký 🐎', true, false, null, []];
      for (const value of [...values, new Date(1.5e12), new Uint8Array([0, 255, 7]), { ['__proto__']: 1, a: {} }]) {
        await kv.put('kind', value);
        expect(await kv.get('kind')).to.deep.equal(value);
      }
    });

    it('says undefined of what is absent, and deletes what is not there', async () => {
      expect(await kv.get('nobody')).to.equal(undefined);
      expect(await kv.has('nobody')).to.equal(false);
      expect((await kv.delete('nobody')).existed).to.equal(false);
      await kv.put('somebody', 1);
      expect((await kv.delete('somebody')).existed).to.equal(true);
      expect(await kv.get('somebody')).to.equal(undefined);
    });

    it('writes on a condition only when it holds', async () => {
      const { version } = await kv.put('cond', 'a', { ifAbsent: true });
      expect(await codeOf(kv.put('cond', 'b', { ifAbsent: true }))).to.equal('CONDITION_FAILED');
      expect(await codeOf(kv.put('cond', 'b', { ifVersion: version + 1 }))).to.equal('CONDITION_FAILED');
      expect((await kv.put('cond', 'b', { ifVersion: version })).version).to.equal(version + 1);
      expect(await codeOf(kv.delete('cond', { ifVersion: version }))).to.equal('CONDITION_FAILED');
      expect(await kv.get('cond')).to.equal('b');
    });

    it('applies concurrent increments once each', async () => {
      await Promise.all(Array.from({ length: 100 }, () => kv.increment('count')));
      expect(await kv.get('count')).to.equal(100);
      expect((await kv.increment('count', -1)).value).to.equal(99);
    });

    it('lets concurrent writers of one key see one order of versions', async () => {
      const receipts = await Promise.all(Array.from({ length: 50 }, (_, i) => kv.put('contended', i)));
      const versions = receipts.map((receipt) => receipt.version).sort((a, b) => a - b);
      expect(versions).to.deep.equal(Array.from({ length: 50 }, (_, i) => i + 1));
    });

    it('answers a batch item by item', async () => {
      const results = await kv.batch([
        { put: ['b1', 1] },
        { put: ['cond', 0], ifAbsent: true },
        { delete: 'b1' },
        { increment: ['b2', 2] },
      ]);
      expect(results.map((result) => result.ok)).to.deep.equal([true, false, true, true]);
      expect(await kv.getMany(['b2', 'b1', 'cond'])).to.deep.equal([2, undefined, 'b']);
    });

    it('lists in the order of keys, a page at a time, each item once', async () => {
      const keys = Array.from({ length: 57 }, (_, i) => `page:${String(i).padStart(3, '0')}`);
      await Promise.all(keys.map((key, i) => kv.put(key, i)));
      const seen: Key[] = [];
      let cursor: string | undefined;
      do {
        const page = await kv.page({ prefix: 'page:', limit: 10, ...(cursor === undefined ? {} : { cursor }) });
        expect(page.entries.length).to.be.at.most(10);
        seen.push(...page.entries.map((entry) => entry.key));
        cursor = page.cursor;
      } while (cursor !== undefined);
      expect(seen).to.deep.equal(keys);
      const backward: Key[] = [];
      for await (const { key } of kv.range({ start: 'page:010', end: 'page:013', reverse: true })) backward.push(key);
      expect(backward).to.deep.equal(['page:012', 'page:011', 'page:010']);
    });

    it('keeps items of one partition key together and in order', async () => {
      for (const n of [10, -1, 2.5, 100]) await kv.put(['order', n], n);
      await kv.put(['order', 'x', true], 'text sorts after numbers');
      const values: unknown[] = [];
      for await (const { value } of kv.range({ prefix: ['order'] })) values.push(value);
      expect(values).to.deep.equal(['text sorts after numbers', -1, 2.5, 10, 100].sort(byKind));
    });

    it('refuses what cannot be, and says how', async () => {
      expect(await codeOf(kv.put('', 1))).to.be.oneOf(['INVALID_ARGUMENT', 'TypeError']);
      expect(await codeOf(kv.put('k'.repeat(5000), 1))).to.equal('TOO_LARGE');
      expect(await codeOf(kv.put('k', 'v'.repeat(db.limits.valueBytesMax + 1)))).to.equal('TOO_LARGE');
      expect(await codeOf(kv.put('k', () => 1))).to.be.oneOf(['INVALID_ARGUMENT', 'TypeError']);
      expect(await codeOf(kv.increment('user:1'))).to.be.oneOf(['INVALID_ARGUMENT', 'CONDITION_FAILED']);
      expect(await codeOf(kv.page({ cursor: 'nonsense' }))).to.equal('CURSOR_INVALID');
      expect(await codeOf(db.table('no-such-table').put('k', 1))).to.equal('NOT_FOUND');
      expect(await codeOf(kv.put('k', 1, { nonsense: 1 } as never))).to.equal('TypeError');
      expect(await kv.get('k')).to.equal(undefined);
    });

    it('does nothing for a call that was aborted before', async () => {
      const reason = new Error('changed my mind');
      const failure = await kv
        .put('aborted', 1, { signal: AbortSignal.abort(reason) })
        .catch((error: unknown) => error);
      expect(failure).to.equal(reason);
      expect(await kv.get('aborted')).to.equal(undefined);
    });

    it('describes its tables and itself', async () => {
      expect((await db.admin.listTables()).map((table) => table.name)).to.include(kv.name);
      const described = await db.admin.describeTable(kv.name);
      expect(described.partitions).to.have.length(4);
      const status = await db.admin.status();
      expect(status.healthy, status.reasons.join(', ')).to.equal(true);
      expect(status.hosts.length).to.be.greaterThan(0);
    });

    it('makes and deletes tables', async () => {
      const table = `short-${randomUUID().slice(0, 8)}`;
      await db.admin.createTable(table, { partitions: 1 });
      await db.table(table).put('a', 1);
      expect(await codeOf(db.admin.createTable(table))).to.equal('CONDITION_FAILED');
      await db.admin.deleteTable(table);
      expect(await codeOf(db.table(table).get('a'))).to.equal('NOT_FOUND');
    });
  });
}

/** Numbers before or after texts is the key format's choice; only the order among numbers matters here. */
function byKind(a: unknown, b: unknown): number {
  if (typeof a === 'string') return -1;
  if (typeof b === 'string') return 1;
  return (a as number) - (b as number);
}
