import { expect } from 'chai';
import type { Message } from '../../../runtime/contract/actor.js';
import type { ClientReply, ClientRequest } from '../../../messaging/protocol/client-messages.js';
import type { HostMessage } from '../../../messaging/protocol/host-messages.js';
import type { AdminRequest, MapRequest, Outcome, StatusRequest } from '../../../messaging/client/core/operations.js';
import { get, put } from './operation-builders.js';
import { VirtualClient } from './virtual-client.js';

type Write = Extract<ClientRequest, { readonly kind: 'write' }>;

function writesSent(world: VirtualClient): { readonly host: string; readonly write: Write }[] {
  return world.sent
    .filter(({ message }) => message.kind === 'write')
    .map(({ to, message }) => ({ host: to.host, write: message as Write }));
}

function kinds(world: VirtualClient): string[] {
  return world.outcomes.map((outcome) => (outcome.kind === 'failed' ? outcome.code : outcome.kind));
}

function worldWithTable(partitions = 1): VirtualClient {
  const world = new VirtualClient('core');
  world.mesh.makeTable('t', partitions);
  world.pass(50);
  return world;
}

describe('client core: writes', () => {
  it('opens a session, then sends what waits in one message', () => {
    const world = worldWithTable();
    world.submit(put(1, 'a'), put(2, 'b'), put(3, 'a'));
    world.pass(100);
    expect(kinds(world)).to.deep.equal(['written', 'written', 'written']);
    expect(writesSent(world).map(({ write }) => write.ops.length)).to.deep.equal([3]);
    expect(world.outcomeOf(3)).to.include({ version: 2, status: 'applied', durability: 'sync' });
  });

  it('batches what is issued while two batches are out', () => {
    const world = worldWithTable();
    world.submit(put(1, 'warm'));
    world.pass(100);
    for (let id = 2; id < 400; id++) world.submit(put(id, `k${id}`));
    world.pass(100);
    expect(world.outcomes.length).to.equal(399);
    expect(writesSent(world).length).to.be.at.most(4);
  });

  it('sends a second batch beside the first only when it is worth its messages', () => {
    const world = worldWithTable();
    world.submit(put(1, 'warm'));
    world.pass(100);
    const before = writesSent(world).length;
    const sizes = (): number[] =>
      writesSent(world)
        .slice(before)
        .map(({ write }) => write.ops.length);
    world.submit(put(2, 'a'));
    world.pass(0);
    world.submit(...Array.from({ length: 63 }, (_, i) => put(i + 3, `k${i}`)));
    world.pass(0);
    expect(sizes(), 'few wait for the answer').to.deep.equal([1]);
    world.submit(put(66, 'b'));
    world.pass(0);
    expect(sizes(), 'many do not').to.deep.equal([1, 64]);
    world.submit(...Array.from({ length: 200 }, (_, i) => put(i + 67, `l${i}`)));
    world.pass(0);
    expect(sizes(), 'two are out').to.deep.equal([1, 64]);
    world.pass(100);
    expect(sizes()).to.deep.equal([1, 64, 200]);
  });

  it('E3: keeps to the window of a session', () => {
    const world = worldWithTable();
    world.submit(...Array.from({ length: 3000 }, (_, i) => put(i + 1, `k${i}`)));
    world.pass(1000);
    expect(world.outcomes.length).to.equal(3000);
    for (const { write } of writesSent(world))
      for (const op of write.ops) expect(op.sequence - write.answeredThrough).to.be.at.most(512);
  });

  it('O1 O2 E1: sends a write again with the same session and sequence, and a new request number', () => {
    const world = worldWithTable();
    let lost = 0;
    world.filter = (_from, _to, message) => !(message.kind === 'written' && lost++ < 2);
    world.submit(put(1, 'a'));
    world.pass(5000);
    const sent = writesSent(world);
    expect(sent.length).to.equal(3);
    expect(new Set(sent.map(({ write }) => `${write.session}/${write.ops[0]?.sequence}`)).size).to.equal(1);
    expect(new Set(sent.map(({ write }) => write.request)).size).to.equal(3);
    expect(kinds(world)).to.deep.equal(['written']);
    expect(world.mesh.applied.length).to.equal(1);
  });

  it('sends again at once, to the new leader, when the map shows one', () => {
    const world = worldWithTable();
    world.filter = (_from, to, message) => !(message.kind === 'write' && to.host === 'h1');
    world.submit(put(1, 'a'));
    world.pass(50);
    expect(world.outcomes).to.deep.equal([]);
    world.mesh.elect(1, 'h2');
    world.pass(30);
    expect(kinds(world)).to.deep.equal(['written']);
    expect(writesSent(world).map(({ host }) => host)).to.deep.equal(['h1', 'h2']);
  });

  it('sends again at once when the replica was started anew, and when the link lost something', () => {
    const world = worldWithTable();
    let lost = 0;
    world.filter = (_from, _to, message) => !(message.kind === 'write' && lost++ < 2);
    world.submit(put(1, 'a'));
    world.pass(50);
    world.mesh.elect(1, 'h1', { replicas: ['h1', 'h2', 'h3'].map((host) => ({ host, epoch: 2, incarnation: 1 })) });
    world.pass(20);
    expect(writesSent(world).length).to.equal(2);
    world.gap('h1', 0);
    world.gap('h1', 1);
    world.pass(20);
    expect(kinds(world)).to.deep.equal(['written']);
  });

  it('waits while there is no leader, and says so when time is up', () => {
    const world = worldWithTable();
    world.mesh.elect(1, undefined, { reason: 'h1 and h2 are down' });
    world.pass(50);
    world.submit(put(1, 'a', { timeoutMs: 300 }), put(2, 'a', { timeoutMs: 3000 }));
    world.pass(1000);
    expect(world.outcomeOf(1)).to.include({ kind: 'failed', code: 'UNAVAILABLE' });
    expect((world.outcomeOf(1) as Extract<Outcome, { kind: 'failed' }>).message).to.contain('h1 and h2 are down');
    world.mesh.elect(1, 'h3');
    world.pass(100);
    expect(world.outcomeOf(2)?.kind).to.equal('written');
  });

  it('D2: refused until its time is up is a failure, with the code of the refusal', () => {
    const world = worldWithTable();
    world.mesh.partition(1).refuseWrites = 'unavailable';
    world.submit(put(1, 'a', { timeoutMs: 500 }));
    world.pass(600);
    world.mesh.partition(1).refuseWrites = 'capacity';
    world.submit(put(2, 'a', { timeoutMs: 500 }));
    world.pass(600);
    expect(kinds(world)).to.deep.equal(['UNAVAILABLE', 'CAPACITY']);
    expect(world.mesh.applied).to.deep.equal([]);
  });

  it('D2 R7: silence until its time is up is unknown; never sent is TIMEOUT or UNAVAILABLE', () => {
    const world = worldWithTable();
    world.filter = (_from, _to, message) => message.kind !== 'write';
    world.submit(put(1, 'a', { timeoutMs: 500 }));
    world.pass(600);
    expect(kinds(world)).to.deep.equal(['unknown']);
    world.filter = (_from, _to, message) => message.kind !== 'open-session';
    world.mesh.partition(1).sessions.clear();
    world.mesh.elect(1, 'h1', { lineage: 2 }); // no session any more
    world.pass(20);
    world.submit(put(2, 'a', { timeoutMs: 500 }));
    world.pass(600);
    expect(world.outcomeOf(2)).to.include({ kind: 'failed' });
  });

  it('appended but not known to the replica: asks again, and learns what happened', () => {
    const world = worldWithTable();
    world.mesh.partition(1).refuseWrites = 'outcome-unknown';
    world.submit(put(1, 'a'), put(2, 'b', { timeoutMs: 200 }));
    world.pass(300);
    expect(world.outcomeOf(2)?.kind).to.equal('unknown');
    world.mesh.partition(1).refuseWrites = undefined;
    world.pass(1000);
    expect(world.outcomeOf(1)?.kind).to.equal('written');
    expect(world.mesh.applied.length).to.equal(2);
  });

  it('D3 S5: an expired session is replaced for new writes, and makes a repeated one unknown', () => {
    const world = worldWithTable();
    world.submit(put(1, 'a'));
    world.pass(50);
    world.mesh.partition(1).sessions.clear();
    world.submit(put(2, 'a'));
    world.pass(50);
    expect(kinds(world)).to.deep.equal(['written', 'written']);
    world.filter = (_from, _to, message) => message.kind !== 'written';
    world.submit(put(3, 'a'));
    world.pass(50);
    world.mesh.partition(1).sessions.clear();
    world.filter = () => true;
    world.pass(2000);
    expect(world.outcomeOf(3)?.kind).to.equal('unknown');
    expect(world.mesh.applied.length).to.equal(3);
  });

  it('D3: a new lineage ends the session, since its number may be given to another', () => {
    const world = worldWithTable();
    world.submit(put(1, 'a'));
    world.pass(50);
    world.filter = (_from, _to, message) => message.kind !== 'written';
    world.submit(put(2, 'a'));
    world.pass(50);
    world.filter = () => true;
    world.mesh.elect(1, 'h2', { lineage: 2 });
    world.pass(20);
    world.submit(put(3, 'a'));
    world.pass(100);
    expect(world.outcomeOf(2)?.kind).to.equal('unknown');
    expect(world.outcomeOf(3)).to.include({ kind: 'written', lineage: 2 });
    const sessions = writesSent(world).map(({ write }) => write.session);
    expect(sessions.at(-1)).to.not.equal(sessions[0]);
  });

  it('tries the operations of an invalid message alone, and blames the right one', () => {
    const world = worldWithTable();
    world.submit(put(1, 'warm'));
    world.pass(50);
    const bad = put(3, 'bad').key;
    world.filter = (from, to, message) => {
      if (message.kind !== 'write') return true;
      const write = message as Write;
      if (!write.ops.some((op) => op.key.join() === bad.join())) return true;
      const refused: ClientReply = {
        kind: 'refused',
        request: write.request,
        partition: write.partition,
        reason: 'invalid',
        detail: 'I do not like it',
      };
      world.at(1, () => world.forge(to, refused));
      return from.host === 'nobody';
    };
    world.submit(put(2, 'good'), put(3, 'bad'), put(4, 'fine'));
    world.pass(200);
    expect(world.outcomeOf(2)?.kind).to.equal('written');
    expect(world.outcomeOf(3)).to.include({ kind: 'failed', code: 'INVALID_ARGUMENT', message: 'I do not like it' });
    expect(world.outcomeOf(4)?.kind).to.equal('written');
  });

  it('durability sync is refused before sending when the table promises less', () => {
    const world = new VirtualClient('async');
    world.mesh.makeTable('t', 1, { durability: 'async' });
    world.submit(put(1, 'a', { durability: 'sync' }), put(2, 'a', { durability: 'async' }));
    world.pass(100);
    expect(world.outcomeOf(1)).to.include({ kind: 'failed', code: 'INVALID_ARGUMENT' });
    expect(world.outcomeOf(2)?.kind).to.equal('written');
    expect(world.mesh.applied.length).to.equal(1);
  });

  it('D4: beyond its bounds it fails with CAPACITY at once, and takes operations again later', () => {
    const world = new VirtualClient('full', undefined, { pendingCountMax: 10, pendingBytesMax: 2000 });
    world.mesh.makeTable('t', 1);
    world.submit(...Array.from({ length: 12 }, (_, i) => put(i + 1, 'a')));
    world.submit(put(13, 'a', { value: new Uint8Array(3000) }));
    expect(kinds(world)).to.deep.equal(['CAPACITY', 'CAPACITY', 'CAPACITY']);
    world.pass(100);
    expect(world.outcomes.length).to.equal(13);
    world.submit(put(14, 'a'));
    world.pass(100);
    expect(world.outcomeOf(14)?.kind).to.equal('written');
  });

  it('one partition that does not answer does not hold up the others of its worker', () => {
    const world = new VirtualClient('slow');
    world.mesh.makeTable('t', 8);
    for (const id of world.mesh.partitions.keys()) world.mesh.elect(id, 'h1');
    world.pass(50);
    world.filter = (_from, _to, message) => !(message.kind === 'write' && (message as Write).partition === 1);
    world.submit(...Array.from({ length: 100 }, (_, i) => put(i + 1, `k${i}`, { timeoutMs: 20_000 })));
    world.pass(100);
    world.submit(...Array.from({ length: 100 }, (_, i) => put(i + 101, `k${i}`, { timeoutMs: 20_000 })));
    world.pass(400);
    const waiting = 200 - world.outcomes.length;
    expect(waiting).to.be.greaterThan(0).and.lessThan(80);
    world.filter = () => true;
    world.pass(3000);
    expect(world.outcomes.length).to.equal(200);
  });

  it('cancel: before anything was sent nothing has happened, afterwards it is unknown', () => {
    const world = worldWithTable();
    world.mesh.elect(1, undefined);
    world.pass(20);
    world.submit(put(1, 'a'));
    world.tell({ kind: 'cancel', id: 1 } as Message);
    world.mesh.elect(1, 'h1');
    world.pass(20);
    world.filter = (_from, _to, message) => message.kind !== 'written';
    world.submit(put(2, 'b'));
    world.pass(20);
    world.tell({ kind: 'cancel', id: 2 } as Message);
    world.tell({ kind: 'cancel', id: 99 } as Message);
    expect(kinds(world)).to.deep.equal(['ABORTED', 'unknown']);
    world.pass(10_000);
    expect(world.mesh.applied.map(({ op }) => op.key)).to.deep.equal([put(2, 'b').key]);
  });

  it('K1: close settles everything, and later operations fail with CLOSED', () => {
    const world = worldWithTable();
    world.filter = (_from, _to, message) => !['written', 'read-done'].includes(message.kind);
    world.submit(put(1, 'a'), get(2, 'a'), put(3, 'a', { table: 'other' }));
    world.pass(50);
    world.submit({ kind: 'status', id: 4, timeoutMs: 1000 } satisfies StatusRequest);
    world.tell({ kind: 'close' });
    world.submit(put(5, 'a'));
    expect(world.outcomeOf(1)?.kind).to.equal('unknown');
    for (const id of [2, 4, 5]) expect(world.outcomeOf(id)).to.include({ kind: 'failed', code: 'CLOSED' });
    expect(world.outcomes.length).to.equal(5);
    world.pass(10_000);
    expect(world.outcomes.length).to.equal(5);
  });
});

describe('client core: reads', () => {
  it('reads in few messages what was asked in one turn: in one, once it knows how large items are', () => {
    const world = worldWithTable();
    world.submit(put(1, 'a'));
    world.pass(50);
    const readsSent = (): number => world.sent.filter(({ message }) => message.kind === 'read').length;
    world.submit(...Array.from({ length: 50 }, (_, i) => get(i + 10, i % 2 === 0 ? 'a' : 'b')));
    world.pass(50);
    expect(world.outcomeOf(10)).to.have.nested.property('item.version', 1);
    expect(world.outcomeOf(11)).to.have.property('item', undefined);
    expect(readsSent()).to.be.at.most(5);
    const before = readsSent();
    world.submit(...Array.from({ length: 50 }, (_, i) => get(i + 100, 'a')));
    world.pass(50);
    expect(readsSent() - before).to.equal(1);
  });

  it('asks for no more at once than a reply may hold', () => {
    const world = worldWithTable();
    const value = new Uint8Array(1024 * 1024);
    world.submit(...Array.from({ length: 20 }, (_, i) => put(i + 1, `k${i}`, { value })));
    world.pass(200);
    for (let round = 0; round < 3; round++) {
      world.submit(...Array.from({ length: 20 }, (_, i) => get(100 + round * 20 + i, `k${i}`)));
      world.pass(100);
    }
    expect(world.outcomes.length).to.equal(80);
    for (const { message } of world.sent) {
      if (message.kind !== 'read') continue;
      expect((message as Extract<ClientRequest, { readonly kind: 'read' }>).keys.length).to.be.at.most(8);
    }
  });

  it('L8: session reads carry what this client has seen, and go on to the leader when a replica is behind', () => {
    const world = worldWithTable();
    world.submit(put(1, 'a'));
    world.pass(50);
    let behind = 0;
    world.filter = (from, to, message) => {
      if (message.kind !== 'read' || to.host === 'h1') return true;
      behind++;
      const { request, partition, mark } = message as Extract<ClientRequest, { readonly kind: 'read' }>;
      expect(mark).to.deep.equal({ lineage: 1, offset: 3 }); // session at 1, write at 2
      const refused: ClientReply = { kind: 'refused', request, partition, reason: 'behind', detail: '' };
      world.at(1, () => world.forge(to, refused));
      return from.host === 'nobody';
    };
    for (let id = 10; id < 30; id++) {
      world.submit(get(id, 'a', 'session'));
      world.pass(100);
      expect(world.outcomeOf(id)).to.have.nested.property('item.version', 1);
    }
    expect(behind).to.be.greaterThan(0);
  });

  it('stale reads need no leader', () => {
    const world = worldWithTable();
    world.submit(put(1, 'a'));
    world.pass(50);
    world.mesh.elect(1, undefined);
    world.pass(50);
    world.submit(get(2, 'a', 'stale'), get(3, 'a', 'linearizable', 500));
    world.pass(600);
    expect(world.outcomeOf(2)?.kind).to.equal('read');
    expect(world.outcomeOf(3)).to.include({ kind: 'failed', code: 'UNAVAILABLE' });
  });

  it('asks for less at a time when an answer does not come or was too much, and for more again later', () => {
    const world = worldWithTable();
    const sizes: number[] = [];
    world.filter = (_from, to, message) => {
      if (message.kind !== 'read') return true;
      const { request, partition, keys } = message as Extract<ClientRequest, { readonly kind: 'read' }>;
      sizes.push(keys.length);
      if (keys.length <= 8) return true;
      const refused: ClientReply = { kind: 'refused', request, partition, reason: 'capacity', detail: 'too much' };
      world.at(1, () => world.forge(to, refused));
      return false;
    };
    world.submit(...Array.from({ length: 64 }, (_, i) => get(i + 1, `k${i}`)));
    world.pass(3000);
    expect(world.outcomes.every((outcome) => outcome.kind === 'read')).to.equal(true);
    expect(world.outcomes.length).to.equal(64);
    expect(Math.min(...sizes)).to.be.at.most(8);
  });

  it('reads fail with TIMEOUT or UNAVAILABLE, never unknown', () => {
    const world = worldWithTable();
    world.filter = (_from, _to, message) => message.kind !== 'read-done';
    world.submit(get(1, 'a', 'linearizable', 700));
    world.pass(800);
    expect(kinds(world)).to.deep.equal(['TIMEOUT']);
  });
});

describe('client core: map', () => {
  const fetches = (world: VirtualClient): (HostMessage & { readonly kind: 'map-fetch' })[] =>
    world.sent
      .map(({ message }) => message as HostMessage)
      .filter((message): message is HostMessage & { readonly kind: 'map-fetch' } => message.kind === 'map-fetch');

  it('F1: watches two hosts, and goes on when one of them dies', () => {
    const world = worldWithTable();
    world.pass(5000);
    const hosts = new Set(world.sent.slice(-6).map(({ to }) => to.host));
    expect(hosts.size).to.be.at.least(2);
    world.mesh.dead.add('h1');
    world.pass(100);
    world.mesh.makeTable('u', 1);
    world.pass(2600);
    world.submit({ kind: 'map', id: 1, table: 'u', fresh: false, timeoutMs: 100 } satisfies MapRequest);
    world.pass(200);
    expect(world.outcomeOf(1)?.kind).to.equal('map');
  });

  it('F1: does not ask in a circle a host that neither waits nor brings news', () => {
    const world = worldWithTable();
    world.filter = (_from, to, message) => {
      if (message.kind !== 'map-fetch') return true;
      world.at(1, () =>
        world.mesh.handle(to, { host: '@c1', worker: 0, actor: 'client' }, { ...message, waitMs: 0 } as never),
      );
      return false;
    };
    world.pass(5000);
    expect(fetches(world).length).to.be.lessThan(80);
  });

  it('F2 G1: a table is missing only when a look that began later says so', () => {
    const world = worldWithTable();
    world.mesh.makeTable('new', 1);
    world.submit(put(1, 'a', { table: 'new' }), put(2, 'a', { table: 'never' }));
    world.submit({ kind: 'map', id: 3, table: 'never', fresh: false, timeoutMs: 1000 } satisfies MapRequest);
    world.submit({ kind: 'map', id: 4, table: 'new', fresh: true, timeoutMs: 1000 } satisfies MapRequest);
    world.pass(100);
    expect(world.outcomeOf(1)?.kind).to.equal('written');
    expect(world.outcomeOf(2)).to.include({ kind: 'failed', code: 'NOT_FOUND' });
    expect(world.outcomeOf(3)).to.include({ kind: 'failed', code: 'NOT_FOUND' });
    expect(world.outcomeOf(4)?.kind).to.equal('map');
  });

  it('F3: another cluster of the same name takes over only after ours was silent for long', () => {
    const world = worldWithTable();
    const foreign = (revision: number): Message =>
      ({
        kind: 'map-reply',
        request: 1,
        delta: {
          clusterId: 'other',
          after: 0,
          revision,
          reset: false,
          hosts: [],
          tables: [],
          partitions: [],
          deletedTables: [],
          deletedPartitions: [],
          members: [],
          metadataLeader: undefined,
          metadataTerm: 0,
        },
      }) as Message;
    const from = { host: 'h1', worker: 0, actor: 'manager' };
    world.forge(from, foreign(100));
    world.submit(put(1, 'a'));
    world.pass(50);
    expect(world.outcomeOf(1)?.kind).to.equal('written');
    world.filter = (_from, _to, message) => message.kind !== 'map-reply' && message.kind !== 'written';
    world.submit(put(2, 'a', { timeoutMs: 60_000 }), get(3, 'a', 'linearizable', 60_000));
    world.pass(6000);
    world.forge(from, foreign(100));
    expect(world.outcomeOf(2)?.kind).to.equal('unknown');
    expect(world.inspect()).to.include({ revision: 100 });
  });

  it('a deleted table: NOT_FOUND for what was not sent, unknown for what was', () => {
    const world = worldWithTable();
    world.submit(put(1, 'a'));
    world.pass(50);
    world.filter = (_from, _to, message) => message.kind !== 'written';
    world.submit(put(2, 'a'));
    world.pass(20);
    world.filter = () => true;
    world.mesh.deleteTable('t');
    world.pass(20);
    world.submit(put(3, 'a'));
    world.pass(100);
    expect(world.outcomeOf(2)?.kind).to.equal('unknown');
    expect(world.outcomeOf(3)).to.include({ kind: 'failed', code: 'NOT_FOUND' });
  });

  it('nobody there: UNAVAILABLE when time is up', () => {
    const world = new VirtualClient('alone');
    world.filter = () => false;
    world.submit(put(1, 'a', { timeoutMs: 1000 }), {
      kind: 'map',
      id: 2,
      table: undefined,
      fresh: false,
      timeoutMs: 500,
    });
    world.submit({ kind: 'status', id: 3, timeoutMs: 700 } satisfies StatusRequest);
    world.submit({ kind: 'admin', id: 4, timeoutMs: 700, command: { command: 'delete-table', name: 't' } });
    world.submit(put(5, 'a', { timeoutMs: 0 }));
    world.pass(1100);
    for (const id of [1, 2, 3, 4]) expect(world.outcomeOf(id)).to.include({ kind: 'failed', code: 'UNAVAILABLE' });
    expect(world.outcomeOf(5)).to.include({ kind: 'failed', code: 'TIMEOUT' });
  });

  it('K2: an idle client sends little', () => {
    const world = worldWithTable();
    world.pass(100);
    const before = world.sent.length;
    world.pass(60_000);
    expect(world.sent.length - before).to.be.lessThan(70);
  });
});

describe('client core: administration', () => {
  const create = (id: number, name: string, more: Partial<AdminRequest> = {}): AdminRequest => ({
    kind: 'admin',
    id,
    timeoutMs: 5000,
    command: { command: 'create-table', name, options: { partitions: 2 } },
    ...more,
  });

  it('is answered once the map shows its effect', () => {
    const world = worldWithTable();
    world.submit(create(1, 'u'));
    world.pass(200);
    expect(world.outcomeOf(1)).to.include({ kind: 'commanded' });
    expect(world.inspect()['revision']).to.equal(world.mesh.revision);
    world.submit(create(2, 'u'));
    world.pass(200);
    expect(world.outcomeOf(2)).to.include({ kind: 'failed', code: 'CONDITION_FAILED' });
  });

  it('follows the leader', () => {
    const world = worldWithTable();
    world.mesh.metadataLeader = 'h3'; // nobody has told the client
    world.submit(create(1, 'u'));
    world.pass(500);
    expect(world.outcomeOf(1)?.kind).to.equal('commanded');
  });

  it('H1: a lost answer does not turn success into failure', () => {
    const world = worldWithTable();
    let lost = 0;
    world.filter = (_from, _to, message) => !(message.kind === 'admin-reply' && lost++ === 0);
    world.submit(create(1, 'u'));
    world.pass(3000);
    expect(world.outcomeOf(1)?.kind).to.equal('commanded');
    lost = 0;
    world.submit({ kind: 'admin', id: 2, timeoutMs: 5000, command: { command: 'delete-table', name: 'u' } });
    world.pass(3000);
    expect(world.outcomeOf(2)?.kind).to.equal('commanded');
  });

  it('H1: no answer at all is unknown, a refusal by everyone is a failure', () => {
    const world = worldWithTable();
    world.filter = (_from, _to, message) => message.kind !== 'admin-reply';
    world.submit(create(1, 'u', { timeoutMs: 1000 }));
    world.pass(1100);
    expect(world.outcomeOf(1)?.kind).to.equal('unknown');
    world.filter = () => true;
    world.mesh.metadataLeader = 'nobody';
    world.submit(create(2, 'v', { timeoutMs: 1000 }));
    world.pass(1100);
    expect(world.outcomeOf(2)?.kind).to.be.oneOf(['failed', 'unknown']); // the last attempt may be unanswered
    world.filter = (_from, to) => to.host !== 'nobody';
    world.mesh.metadataLeader = 'h1';
    world.submit(create(3, 't'));
    world.pass(3000);
    expect(world.outcomeOf(3)).to.include({ kind: 'failed', code: 'CONDITION_FAILED' });
  });

  it('status asks every worker and the metadata group, and names who is silent', () => {
    const world = worldWithTable();
    world.mesh.dead.add('h3');
    world.submit({ kind: 'status', id: 1, timeoutMs: 5000 } satisfies StatusRequest);
    world.pass(3000);
    const outcome = world.outcomeOf(1) as Extract<Outcome, { kind: 'status' }>;
    expect(outcome.status.workers.length).to.equal(4);
    expect(outcome.status.silent).to.deep.equal(['h3/0', 'h3/1']);
    expect(outcome.status.metadata).to.include({ leader: 'h1' });
  });
});
