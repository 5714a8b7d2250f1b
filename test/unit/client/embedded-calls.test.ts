// The client before the real engine, in one process
// =============================================================================

import { expect } from 'chai';
import { openEmbedded } from '../../../actors/embedded.js';

describe('client: before the real engine', function () {
  this.timeout(30_000);

  it('S6 E3: thousands of unawaited writes to few partitions all apply once', async () => {
    await using db = await openEmbedded();
    await db.admin.createTable('one', { partitions: 1 });
    const kv = db.table('one');
    await Promise.all(Array.from({ length: 5000 }, () => kv.increment('n')));
    expect(await kv.get('n')).to.equal(5000);
  });

  it('more than a reply may hold is read in several', async () => {
    await using db = await openEmbedded();
    await db.admin.createTable('one', { partitions: 1 });
    const kv = db.table('one');
    const keys = Array.from({ length: 40 }, (_, i) => `k${i}`);
    const text = 'x'.repeat(1_000_000);
    for (const key of keys) await kv.put(key, text);
    const values = await kv.getMany(keys);
    expect(values.every((value) => value === text)).to.equal(true);
    let count = 0;
    for await (const entry of kv.range()) count += entry.value === text ? 1 : 0;
    expect(count).to.equal(40);
  });

  it('session reads see what was written, and versions, conditions and cursors are as they should be', async () => {
    await using db = await openEmbedded();
    const kv = db.table();
    for (let i = 1; i <= 20; i++) {
      const { version } = await kv.put('a', i);
      expect(version).to.equal(i);
      expect(await kv.get('a', { consistency: 'session' })).to.equal(i);
    }
    const results = await kv.batch([
      { put: ['b', 1], ifAbsent: true },
      { put: ['b', 2], ifAbsent: true },
      { put: ['b', 3], ifVersion: 1 },
      { increment: ['b', 4] },
      { delete: 'b', ifVersion: 3 },
    ]);
    expect(results.map((result) => result.ok)).to.deep.equal([true, false, true, true, true]);
    await Promise.all(Array.from({ length: 30 }, (_, i) => kv.put(['list', i], i)));
    const seen: unknown[] = [];
    let cursor: string | undefined;
    do {
      const page = await kv.page({ prefix: ['list'], reverse: true, limit: 7, cursor });
      seen.push(...page.entries.map((entry) => entry.value));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(seen).to.deep.equal(Array.from({ length: 30 }, (_, i) => 29 - i));
  });
});
