// What if X arrived before Y: one scene each, before the client's core
// =============================================================================

import { expect } from 'chai';
import type { Message } from '../../runtime/contract/actor.js';
import type { ClientReply, ClientRequest } from '../../messaging/protocol/client-messages.js';
import { get, put } from '../unit/client/operation-builders.js';
import { VirtualClient } from '../unit/client/virtual-client.js';

function worldWithTable(): VirtualClient {
  const world = new VirtualClient('adversarial');
  world.mesh.makeTable('t', 1);
  world.pass(50);
  world.submit(put(1, 'warm'));
  world.pass(50);
  return world;
}

const fromHost = (host: string, actor = 'partition-1'): { host: string; worker: number; actor: string } => ({
  host,
  worker: 1,
  actor,
});

describe('client: adversarial', () => {
  it('the reply to the first attempt arrives after the second was sent: it counts, and the second one changes nothing', () => {
    const world = worldWithTable();
    const held: Message[] = [];
    world.filter = (_from, _to, message) => {
      if (message.kind !== 'written') return true;
      held.push(message);
      return false;
    };
    world.submit(put(2, 'a'));
    world.pass(1500);
    expect(held.length).to.equal(2);
    world.forge(fromHost('h1'), held[0] as Message);
    expect(world.outcomeOf(2)?.kind).to.equal('written');
    world.forge(fromHost('h1'), held[1] as Message);
    world.forge(fromHost('h1'), held[0] as Message);
    world.pass(10_000);
    expect(world.outcomes.length).to.equal(2);
    expect(world.crashes).to.deep.equal([]);
  });

  it('a refusal of the first attempt arrives after the second was sent: the operation goes on', () => {
    const world = worldWithTable();
    const requests: ClientRequest[] = [];
    world.filter = (_from, _to, message) => {
      if (message.kind !== 'write') return true;
      requests.push(message as ClientRequest);
      return false;
    };
    world.submit(put(2, 'a', { timeoutMs: 3000 }));
    world.pass(1500);
    expect(requests.length).to.equal(2);
    const refusal = (request: number): ClientReply => ({
      kind: 'refused',
      request,
      partition: 1,
      reason: 'not-leader',
      detail: '',
    });
    world.forge(fromHost('h1'), refusal(requests[0]?.request ?? 0));
    expect(world.outcomeOf(2)).to.equal(undefined);
    world.forge(fromHost('h1'), refusal(requests[1]?.request ?? 0));
    world.filter = (_from, _to, message) => message.kind !== 'write';
    world.mesh.elect(1, undefined);
    world.pass(3000);
    expect(world.outcomeOf(2)?.kind).to.be.oneOf(['failed', 'unknown']);
    expect(world.mesh.applied.length).to.equal(1);
  });

  it('a reply from a host that was not asked, of another partition, or for other operations changes nothing', () => {
    const world = worldWithTable();
    let write: Extract<ClientRequest, { readonly kind: 'write' }> | undefined;
    world.filter = (_from, _to, message) => {
      if (message.kind !== 'write') return true;
      write = message as Extract<ClientRequest, { readonly kind: 'write' }>;
      return false;
    };
    world.submit(put(2, 'a'));
    world.pass(10);
    const request = write?.request ?? 0;
    const sequence = write?.ops[0]?.sequence ?? 0;
    const result = { sequence, status: 'applied', offset: 9, version: 9, value: new Uint8Array(0) } as const;
    const reply: Extract<ClientReply, { readonly kind: 'written' }> = {
      kind: 'written',
      request,
      partition: 1,
      lineage: 1,
      epoch: 1,
      durability: 'sync',
      replicas: [],
      results: [result],
    };
    world.forge(fromHost('h2'), reply);
    world.forge(fromHost('h1'), { ...reply, partition: 2 } as Message);
    world.forge(fromHost('h1'), { ...reply, request: request + 1000 } as Message);
    world.forge(fromHost('h1'), { ...reply, results: [] } as Message);
    world.forge(fromHost('h1'), { ...reply, results: [{ ...result, sequence: sequence + 1 }] } as Message);
    world.forge(fromHost('h1'), { kind: 'session-opened', request, partition: 1, session: 77 } as Message);
    world.forge(fromHost('h1'), {
      kind: 'read-done',
      request,
      partition: 1,
      mark: { lineage: 1, offset: 1 },
      items: [],
    } as Message);
    expect(world.outcomeOf(2)).to.equal(undefined);
    world.forge(fromHost('h1'), reply);
    expect(world.outcomeOf(2)).to.include({ kind: 'written', version: 9 });
    expect(world.crashes).to.deep.equal([]);
  });

  it('commands from outside are not taken: only its own loop may ask, cancel or close', () => {
    const world = worldWithTable();
    world.filter = (_from, _to, message) => message.kind !== 'read-done';
    world.submit(get(2, 'a'));
    for (const message of [
      { kind: 'close' },
      { kind: 'cancel', id: 2 },
      { kind: 'tick' },
      { kind: 'submit', operations: [put(3, 'a')] },
      { kind: 'write' },
      { kind: 'nonsense' },
    ])
      world.forge(fromHost('h1', 'workload'), message);
    expect(world.outcomes.length).to.equal(1);
    expect(world.inspect()).to.include({ pending: 1, ignored: 6 });
  });

  it('the session is opened twice because the first answer was late: writes go in one of them', () => {
    const world = new VirtualClient('late session');
    world.mesh.makeTable('t', 1);
    world.pass(50);
    const held: Message[] = [];
    world.filter = (_from, _to, message) => {
      if (message.kind !== 'session-opened' || held.length > 0) return true;
      held.push(message);
      return false;
    };
    world.submit(put(1, 'a'), put(2, 'a'));
    world.pass(3000);
    world.forge(fromHost('h1'), held[0] as Message);
    world.submit(put(3, 'a'));
    world.pass(100);
    expect(world.outcomes.map((outcome) => outcome.kind)).to.deep.equal(['written', 'written', 'written']);
    expect(new Set(world.mesh.applied.map(({ session }) => session)).size).to.equal(1);
  });

  it('an old map arrives after a new one: it changes nothing', () => {
    const world = worldWithTable();
    const maps: Message[] = [];
    world.filter = (_from, _to, message) => {
      if (message.kind === 'map-reply') maps.push(message);
      return true;
    };
    world.mesh.elect(1, 'h2');
    world.pass(50);
    world.mesh.elect(1, 'h3');
    world.pass(50);
    const revision = world.inspect()['revision'];
    for (const map of maps) world.forge(fromHost('h1', 'manager'), map);
    expect(world.inspect()['revision']).to.equal(revision);
    world.submit(put(2, 'a'));
    world.pass(50);
    expect(world.sent.findLast(({ message }) => message.kind === 'write')?.to.host).to.equal('h3');
  });

  it('a leader moves in a circle while writes are under way: each applies once', () => {
    const world = worldWithTable();
    for (let id = 2; id < 200; id++) {
      world.submit(put(id, `k${id}`, { timeoutMs: 30_000 }));
      world.mesh.elect(1, ['h1', 'h2', 'h3', undefined][id % 4]);
      world.pass(3);
    }
    world.mesh.elect(1, 'h1');
    world.pass(5000);
    expect(world.outcomes.filter((outcome) => outcome.kind === 'written').length).to.equal(199);
    expect(world.mesh.applied.length).to.equal(199);
  });

  it('all hosts are replaced by others of new names: the client finds them', () => {
    const world = worldWithTable();
    for (const host of ['h1', 'h2', 'h3']) world.mesh.dead.add(host);
    world.pass(1000);
    for (const host of ['h4', 'h5']) world.mesh.setHost(host, 'up');
    for (const host of ['h1', 'h2', 'h3']) world.mesh.setHost(host, 'removed');
    const hosts = ['h4', 'h5'];
    world.mesh.elect(1, 'h4', {
      inSync: hosts,
      replicas: hosts.map((host) => ({ host, epoch: 9, incarnation: 0 })),
    });
    world.submit(put(2, 'a', { timeoutMs: 120_000 }));
    world.pass(120_000);
    expect(world.outcomeOf(2)?.kind).to.equal('written');
  });
});
