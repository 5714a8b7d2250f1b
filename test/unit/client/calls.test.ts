import { expect } from 'chai';
import {
  ClosedError,
  ConnectError,
  errorCodes,
  NotFoundError,
  OutcomeUnknownError,
  TroupeError,
} from '../../../messaging/client/index.js';
import type { Table } from '../../../messaging/client/index.js';
import { durationMs } from '../../../messaging/client/duration.js';
import { troupeError } from '../../../messaging/client/errors.js';
import { type LocalMesh, localMesh } from './local-mesh.js';

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it did not reject');
}

describe('client: durations and errors', () => {
  it('reads durations', () => {
    expect(durationMs(5, 'timeout')).to.equal(5);
    expect(durationMs('250ms', 'timeout')).to.equal(250);
    expect(durationMs('1.5s', 'timeout')).to.equal(1500);
    expect(durationMs('5m', 'timeout')).to.equal(300_000);
    expect(durationMs('2h', 'timeout')).to.equal(7_200_000);
    for (const wrong of ['', '5', '5d', 's', '-5s', ' 5s', '5 s', 'Infinity', Number.NaN, -1, Number.POSITIVE_INFINITY])
      expect(() => durationMs(wrong, 'timeout'), String(wrong)).to.throw(TroupeError, 'timeout is no duration');
    for (const wrong of [null, {}, [], true, 5n]) expect(() => durationMs(wrong, 'timeout')).to.throw(TypeError);
  });

  it('each code has its error, and only harmless ones are retryable', () => {
    for (const code of errorCodes) {
      const error = troupeError(code, 'why', { requestId: 'c-1' });
      expect(error).to.be.an.instanceOf(TroupeError);
      expect(error).to.include({ code, message: 'why', requestId: 'c-1' });
      const retryable = ['NOT_LEADER', 'UNAVAILABLE', 'TIMEOUT', 'CAPACITY', 'THROTTLED'].includes(code);
      expect(error.retryable, code).to.equal(retryable);
    }
    expect(troupeError('OUTCOME_UNKNOWN', '')).to.be.an.instanceOf(OutcomeUnknownError);
    expect(new ConnectError('').code).to.equal('UNAVAILABLE');
  });
});

describe('client: calls', () => {
  let local: LocalMesh;
  let kv: Table;
  beforeEach(async () => {
    local = await localMesh();
    local.mesh.makeTable('default');
    kv = local.db.table('default');
    await kv.put('a', 1);
  });
  afterEach(() => local.close());

  const mute = (...names: string[]): void => {
    for (const name of names) local.mesh.dead.add(name);
  };

  it('refuses wrong types with a TypeError, before anything is sent', async () => {
    const wrong = [
      () => kv.get(5 as never),
      () => kv.get([]),
      () => kv.get([['nested'] as never]),
      () => kv.put('b', undefined),
      () => kv.put('b', () => 1),
      () => kv.put('b', { deep: [{ at: Symbol('x') }] }),
      () => kv.put('b', new Map() as never),
      () => kv.put('b', 1, { ifversion: 2 } as never),
      () => kv.put('b', 1, { ifVersion: '2' } as never),
      () => kv.put('b', 1, 5 as never),
      () => kv.put('b', 1, { signal: {} } as never),
      () => kv.put('b', 1, { timeout: null } as never),
      () => kv.increment('n', 'x' as never),
      () => kv.getMany('abc' as never),
      () => kv.batch([{ put: ['a', 1], delete: 'b' } as never]),
      () => kv.batch([{ put: 'a' } as never]),
      () => kv.batch([null as never]),
      () => kv.page({ cursor: 5 as never }),
      () => kv.page({ reverse: 1 as never }),
    ];
    const before = local.mesh.arrived.get('write');
    for (const call of wrong) expect(await rejection(call()), String(call)).to.be.an.instanceOf(TypeError);
    expect(local.mesh.arrived.get('write')).to.equal(before);
    expect(() => local.db.table(5 as never)).to.throw(TypeError);
  });

  it('names the path of what cannot be stored', async () => {
    const error = await rejection(kv.put('b', { deep: [{ at: () => 1 }] }));
    expect(String(error)).to.contain('deep[0].at');
  });

  it('refuses wrong values with INVALID_ARGUMENT, and too much with TOO_LARGE', async () => {
    const invalid = [
      () => kv.put('b', 1, { timeout: '5 parsecs' as never }),
      () => kv.put('b', 1, { ifVersion: -1 }),
      () => kv.put('b', 1, { ifVersion: 1.5 }),
      () => kv.put('b', 1, { ifVersion: 3, ifAbsent: true }),
      () => kv.put('b', 1, { ttl: '30s' } as never),
      () => kv.put('b', 1, { durability: 'most' as never }),
      () => kv.get('b', { consistency: 'eventual' as never }),
      () => kv.page({ limit: 0 }),
      () => kv.page({ limit: 10_001 }),
      () => kv.range({ limit: -1 }).next(),
      () => local.db.admin.createTable('no spaces'),
      () => local.db.admin.createTable('ok', { partitions: 0 }),
      () => local.db.admin.createTable('ok', { storage: 'floppy' as never }),
      () => local.db.admin.createTable('ok', { indexes: {} } as never),
    ];
    for (const call of invalid)
      expect(await rejection(call()), String(call)).to.include({ code: 'INVALID_ARGUMENT', retryable: false });
    expect(() => local.db.table('a b')).to.throw(TroupeError);
    const large = [
      () => kv.get('x'.repeat(5000)),
      () => kv.put('b', 'x'.repeat(2_000_000)),
      () => kv.getMany(Array.from({ length: 1001 }, () => 'a')),
      () => kv.batch(Array.from({ length: 1001 }, () => ({ delete: 'a' }))),
    ];
    for (const call of large) expect(await rejection(call()), String(call)).to.include({ code: 'TOO_LARGE' });
    expect(local.db.limits.keyBytesMax).to.equal(4096);
  });

  it('wrong items of a batch send nothing of it', async () => {
    await rejection(kv.batch([{ put: ['z', 1] }, { put: ['y', () => 1] as never }]));
    expect(await kv.get('z')).to.equal(undefined);
  });

  it('J3: an abort before anything was sent rejects with the reason, and nothing happens', async () => {
    const reason = new Error('changed my mind');
    expect(await rejection(kv.put('b', 1, { signal: AbortSignal.abort(reason) }))).to.equal(reason);
    const controller = new AbortController();
    const promise = kv.put('b', 1, { signal: controller.signal });
    controller.abort();
    expect(await rejection(promise)).to.have.property('name', 'AbortError');
    await kv.put('c', 1);
    expect(await kv.get('b')).to.equal(undefined);
  });

  it('an abort after it was sent is OUTCOME_UNKNOWN for a write, the reason for a read', async () => {
    mute('h1', 'h2', 'h3');
    const controller = new AbortController();
    const reason = new Error('enough');
    const write = rejection(kv.put('a', 2, { signal: controller.signal }));
    const read = rejection(kv.get('a', { signal: controller.signal }));
    setTimeout(() => controller.abort(reason), 20);
    const error = await write;
    expect(error).to.be.an.instanceOf(OutcomeUnknownError);
    expect(error).to.include({ code: 'OUTCOME_UNKNOWN', cause: reason });
    expect(await read).to.equal(reason);
  });

  it('one signal for many calls needs one listener', async () => {
    const controller = new AbortController();
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on('warning', onWarning);
    await Promise.all(Array.from({ length: 100 }, (_, i) => kv.put(`k${i}`, i, { signal: controller.signal })));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', onWarning);
    expect(warnings).to.deep.equal([]);
    controller.abort();
  });

  it('timeout is the total: a write that was sent is unknown, a read TIMEOUT', async () => {
    mute('h1', 'h2', 'h3');
    const [write, read] = await Promise.all([
      rejection(kv.put('a', 2, { timeout: '50ms' })),
      rejection(kv.get('a', { timeout: 50 })),
    ]);
    expect(write).to.include({ code: 'OUTCOME_UNKNOWN', retryable: false });
    expect(read).to.include({ code: 'TIMEOUT', retryable: true });
    expect((write as TroupeError).requestId).to.match(/^c[0-9a-f]+-\d+$/);
    expect(await rejection(kv.get('a', { timeout: 0 }))).to.include({ code: 'TIMEOUT' });
  });

  it('J1 J2: close settles everything that waits, and what comes later', async () => {
    mute('h1', 'h2', 'h3');
    const write = rejection(kv.put('a', 2));
    const read = rejection(kv.get('a'));
    const range = rejection(kv.range().next());
    await new Promise((resolve) => setTimeout(resolve, 20));
    const late = rejection(kv.put('z', 2));
    await local.db.close();
    await local.db.close();
    expect(await write).to.be.an.instanceOf(OutcomeUnknownError);
    expect(await read).to.be.an.instanceOf(ClosedError);
    expect(await range).to.include({ code: 'CLOSED' });
    expect(await late)
      .to.have.property('code')
      .that.is.oneOf(['CLOSED', 'OUTCOME_UNKNOWN']);
    expect(await rejection(kv.get('a'))).to.include({ code: 'CLOSED' });
    expect(await rejection(local.db.admin.status())).to.include({ code: 'CLOSED' });
  });

  it('J1: when the actor crashes, what it was doing is settled', async () => {
    const crashes: string[] = [];
    const fault = {
      valueOf(): number {
        throw new Error('injected');
      },
    };
    const limits = { pendingCountMax: fault as never }; // looked at in the turn that takes an operation on
    const other = await local.open({ limits, onEvent: ({ event }) => void crashes.push(event.kind) });
    const table = other.table('default');
    expect(await rejection(table.put('a', 2))).to.be.an.instanceOf(OutcomeUnknownError);
    expect(await rejection(table.get('a'))).to.include({ code: 'UNAVAILABLE' });
    expect(crashes).to.include('actor-crashed');
    await other.close();
  });

  it('await using closes by itself', async () => {
    const other = await local.open();
    const table = other.table();
    {
      await using db = other;
      await db.table().get('a');
    }
    expect(await rejection(table.get('a'))).to.include({ code: 'CLOSED' });
  });

  it('a cursor is of its own query, and garbage is CURSOR_INVALID', async () => {
    await Promise.all(['b', 'c', 'd'].map((key) => kv.put(key, key)));
    const { cursor } = await kv.page({ limit: 2 });
    expect(cursor).to.be.a('string');
    local.mesh.makeTable('other');
    const flipped = `${cursor?.slice(0, -2)}${cursor?.endsWith('A') === true ? 'BB' : 'AA'}`;
    const wrong = [
      () => kv.page({ limit: 2, cursor: '' }),
      () => kv.page({ limit: 2, cursor: 'garbage' }),
      () => kv.page({ limit: 2, cursor: '!!!' }),
      () => kv.page({ limit: 2, cursor: 'A'.repeat(100_000) }),
      () => kv.page({ limit: 2, cursor: flipped }),
      () => kv.page({ limit: 2, prefix: 'b', cursor }),
      () => kv.page({ limit: 2, reverse: true, cursor }),
      () => local.db.table('other').page({ limit: 2, cursor }),
    ];
    for (const call of wrong) expect(await rejection(call()), String(call)).to.include({ code: 'CURSOR_INVALID' });
    expect((await kv.page({ limit: 5, cursor })).entries.map((entry) => entry.key)).to.deep.equal(['c', 'd']);
  });

  it('Z2: a range reads page by page, and a page ends at its bytes', async () => {
    const text = 'x'.repeat(300_000);
    await Promise.all(Array.from({ length: 12 }, (_, i) => kv.put(`big${i}`, text)));
    const first = await kv.page({ prefix: 'big', limit: 12 });
    expect(first.entries.length).to.equal(3);
    expect(first.cursor).to.be.a('string');
    let count = 0;
    for await (const entry of kv.range({ prefix: 'big' })) {
      expect(entry.value).to.equal(text);
      count++;
    }
    expect(count).to.equal(12);
  });

  it('a tuple prefix is read from the one partition that holds it', async () => {
    await Promise.all(Array.from({ length: 20 }, (_, i) => kv.put(['c1', i], i)));
    const before = local.mesh.arrived.get('scan') ?? 0;
    const seen: unknown[] = [];
    for await (const entry of kv.range({ prefix: ['c1'], reverse: true })) seen.push(entry.value);
    expect(seen).to.deep.equal(Array.from({ length: 20 }, (_, i) => 19 - i));
    expect((local.mesh.arrived.get('scan') ?? 0) - before).to.equal(1);
  });

  it('an empty range asks nobody', async () => {
    const before = local.mesh.arrived.get('scan');
    for await (const entry of kv.range({ start: 'b', end: 'a' })) expect.fail(String(entry.key));
    expect(await kv.page({ start: 'b', prefix: 'a' })).to.deep.equal({ entries: [] });
    expect(local.mesh.arrived.get('scan')).to.equal(before);
  });

  it('a default table is made by its first write where that is wanted, and reads as empty before', async () => {
    local.mesh.deleteTable('default');
    expect(await rejection(kv.get('a'))).to.be.an.instanceOf(NotFoundError);
    expect(await rejection(kv.put('a', 1))).to.include({ code: 'NOT_FOUND' });
    const own = (await local.open({ defaultTable: { partitions: 2 } })).table();
    expect(await own.get('a')).to.equal(undefined);
    expect(await own.getMany(['a', 'b'])).to.deep.equal([undefined, undefined]);
    expect(await own.page()).to.deep.equal({ entries: [] });
    for await (const entry of own.range()) expect.fail(String(entry.key));
    const receipts = await Promise.all([own.put('a', 1), own.put('b', 2), own.increment('n')]);
    expect(receipts.map((receipt) => receipt.version)).to.deep.equal([1, 1, 1]);
    expect(local.mesh.tables.get('default')?.partitions.length).to.equal(2);
  });
});

describe('client: administration', () => {
  let local: LocalMesh;
  beforeEach(async () => {
    local = await localMesh();
  });
  afterEach(() => local.close());

  it('makes, lists, describes and deletes tables', async () => {
    const { admin } = local.db;
    const made = await admin.createTable('orders', { partitions: 3 });
    expect(made.partitions.length).to.equal(3);
    expect(made).to.include({ name: 'orders', durability: 'sync', storage: 'memory' });
    await local.db.table('orders').put('a', 1);
    expect((await admin.listTables()).map((table) => table.name)).to.deep.equal(['orders']);
    expect(made).to.deep.include({ created: true, notes: [] });
    expect(made).to.deep.include(await admin.describeTable('orders'));
    expect(await rejection(admin.createTable('orders'))).to.include({ code: 'CONDITION_FAILED' });
    expect((await admin.createTable('orders', { ifMissing: true })).partitions.length).to.equal(3);
    await admin.deleteTable('orders');
    expect(await rejection(admin.describeTable('orders'))).to.include({ code: 'NOT_FOUND' });
    expect(await rejection(admin.deleteTable('orders'))).to.include({ code: 'NOT_FOUND' });
    expect(await rejection(local.db.table('orders').get('a'))).to.include({ code: 'NOT_FOUND' });
  });

  it('locates a key where its writes go', async () => {
    local.mesh.makeTable('t', 5);
    for (const key of ['a', 'b', ['c', 1], ['c', 2]] as const) {
      const { partition } = await local.db.table('t').put(key, 1);
      const location = await local.db.admin.locate('t', key);
      expect(location.partition).to.equal(partition);
      expect(location.replicas).to.deep.equal(['h1', 'h2', 'h3']);
      expect(location.leader).to.be.a('string');
    }
  });

  it('status is healthy, and says why when it is not', async () => {
    local.mesh.makeTable('t', 2);
    const { admin } = local.db;
    const well = await admin.status();
    expect(well).to.include({ cluster: 'test', healthy: true });
    expect(well.reasons).to.deep.equal([]);
    expect(well.hosts.map((host) => [host.name, host.state, host.workers.length])).to.deep.equal([
      ['h1', 'up', 2],
      ['h2', 'up', 2],
      ['h3', 'up', 2],
    ]);
    expect(well.metadata).to.deep.include({ leader: 'h1', term: 1 });
    expect(well.tables[0]?.partitions[0]).to.include({ id: 1, leader: 'h1', epoch: 1, highWatermark: 1 });
    local.mesh.elect(1, undefined, { reason: 'nobody is in sync' });
    local.mesh.elect(2, 'h2', { inSync: ['h2'] });
    local.mesh.setHost('h3', 'fenced');
    local.mesh.dead.add('h3');
    const ill = await admin.status();
    expect(ill.healthy).to.equal(false);
    expect(ill.reasons).to.deep.equal([
      'host h3 is not heard of',
      'partition 1 of table t has no leader: nobody is in sync',
      'partition 2 of table t has 1 of 3 replicas in sync',
    ]);
  });

  it('a mesh that does not answer is a ConnectError', async () => {
    for (const host of ['h1', 'h2', 'h3']) local.mesh.dead.add(host);
    const error = await rejection(local.open({ connectTimeout: 100 }));
    expect(error).to.be.an.instanceOf(ConnectError);
    expect(error).to.include({ code: 'UNAVAILABLE' });
  });
});
